"""Partitions as Java's client decides them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.log.partition import Partitions, one_partition

_MASK = 0xFFFF_FFFF


def _murmur2(key: bytes) -> int:
    """Kafka's `Utils.murmur2`, written from its description rather than from a client of Python."""
    mixed = (0x9747_B28C ^ len(key)) & _MASK
    words = len(key) // 4
    for word in struct.unpack(f"<{words}I", key[: words * 4]):
        part = word * 0x5BD1_E995 & _MASK
        part = (part ^ part >> 24) * 0x5BD1_E995 & _MASK
        mixed = mixed * 0x5BD1_E995 & _MASK ^ part
    rest = key[words * 4 :]
    if rest:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * 0x5BD1_E995 & _MASK
    mixed = (mixed ^ mixed >> 13) * 0x5BD1_E995 & _MASK
    return mixed ^ mixed >> 15


# The first ones are the cases of `UtilsTest.testMurmur2` in Kafka's own tests.
@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
@pytest.mark.parametrize("partitions", [1, 6, 7, 48])
def test_matches_javas_own_test_cases(key: bytes, hashed: int, partitions: int) -> None:
    assert Partitions(partitions).of(key) == (hashed & 0x7FFF_FFFF) % partitions


@given(st.lists(st.binary(max_size=70), max_size=20), st.integers(1, 1_000))
def test_is_murmur2_made_positive_also_for_a_key_seen_before(keys: list[bytes], count: int) -> None:
    partitions = Partitions(count)
    for key in [*keys, *keys]:
        assert partitions.of(key) == (_murmur2(key) & 0x7FFF_FFFF) % count


def test_follows_a_number_of_partitions_that_changes() -> None:
    partitions = Partitions(6)
    assert partitions.of(b"example") < 6
    partitions.count = 1
    assert partitions.of(b"example") == 0


def test_a_log_of_one_partition_has_only_that() -> None:
    assert one_partition(b"anything") == 0
