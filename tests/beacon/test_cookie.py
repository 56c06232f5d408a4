"""Cookies are told in a head as they would be were they cut apart."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon import cookie
from tests.support.interpreted import interpreted

PAIR = b"optout=1"
PLAIN = interpreted("ingest.beacon.cookie")
pieces = st.sampled_from([PAIR, b"optout=", b"1", b";", b" ", b"\t", b"\xff", b"\0", b'"', b"x"])


@given(st.lists(pieces, max_size=12).map(b"".join) | st.binary())
def test_as_many_are_found_as_there_are_when_they_are_cut_apart(cookies: bytes) -> None:
    apart = [pair.strip(b" \t") for pair in cookies.split(b";")]
    for module in (cookie, PLAIN):
        assert module.count(cookies, PAIR) == apart.count(PAIR)
