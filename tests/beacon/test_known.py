"""A known field's name is told in place, in any case, and no other name is taken for it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon import known as compiled
from ingest.beacon.known import NAMES, UNKNOWN, number_of
from tests.support.interpreted import interpreted

plain = interpreted("ingest.beacon.known")
_TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
tokens = st.text(_TOKEN, min_size=1, max_size=26).map(str.encode)


@st.composite
def nearly_known(draw: Any) -> bytes:
    name = bytearray(draw(st.sampled_from(NAMES)))
    for at in draw(st.lists(st.integers(0, len(name) - 1), max_size=4)):
        name[at] ^= 0x20  # another case, for a letter
    if draw(st.booleans()):
        name[draw(st.integers(0, len(name) - 1))] = ord(draw(st.sampled_from(_TOKEN)))
    return bytes(name) if all(chr(byte) in _TOKEN for byte in name) else b"x"


@given(tokens | nearly_known(), st.binary(max_size=3), st.binary(max_size=3))
def test_a_name_is_recognised_as_by_its_lower_case(name: bytes, before: bytes, after: bytes):
    data, begin = before + name + after, len(before)
    for module in (compiled, plain):
        assert module.recognise(data, begin, begin + len(name)) == number_of(name.lower())


def test_every_known_name_is_recognised():
    for number, name in enumerate(NAMES):
        for spelled in (name, name.upper(), name.title()):
            assert compiled.recognise(spelled, 0, len(spelled)) == number
    assert compiled.recognise(b"host", 2, 2) == UNKNOWN
