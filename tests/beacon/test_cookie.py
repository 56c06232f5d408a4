"""Cookies are told in a head as they would be were they cut apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon import cookie
from tests.support.interpreted import interpreted

PAIR = b"optout=1"
PLAIN = interpreted("ingest.beacon.cookie")
pieces = st.sampled_from([PAIR, b"optout=", b"1", b";", b" ", b"\t", b"\xff", b"\0", b'"', b"x"])


@given(st.lists(pieces, max_size=12).map(b"".join) | st.binary(), st.binary(max_size=3))
def test_as_many_are_found_as_there_are_when_they_are_cut_apart(
    cookies: bytes, around: bytes
) -> None:
    text, begin = around + cookies + around, len(around)
    apart = [pair.strip(b" \t") for pair in cookies.split(b";")]
    for module in (cookie, PLAIN):
        assert module.count(text, begin, begin + len(cookies), PAIR) == apart.count(PAIR)


@pytest.mark.parametrize(("begin", "end"), [(-1, 2), (0, 9), (2, 1), (9, 9)])
def test_no_cookie_is_looked_for_where_there_are_no_bytes(begin: int, end: int) -> None:
    for module in (cookie, PLAIN):
        with pytest.raises(IndexError):
            module.count(PAIR, begin, end, PAIR)
