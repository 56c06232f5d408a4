"""lz4's frames, as another reader takes them."""

import random

import pytest
from aiokafka.codec import lz4_decode
from hypothesis import given
from hypothesis import strategies as st

from ingest.log.lz4 import Lz4

_BLOCK = 65_536


@given(st.lists(st.binary(max_size=300)))
def test_frame_after_frame_is_read_back(texts: list[bytes]) -> None:
    packer = Lz4()
    for text in texts:
        assert lz4_decode(bytes(packer.frame(memoryview(text)))) == text


@pytest.mark.parametrize("blocks", [0, 1, 2, 5])
@pytest.mark.parametrize("more", [-1, 0, 1, 11, 12, 13, 100])
def test_blocks_of_any_length_are_read_back(blocks: int, more: int) -> None:
    packer, size = Lz4(), max(blocks * _BLOCK + more, 0)
    for text in (bytes(size), random.Random(size).randbytes(size), b"beacon" * (size // 6)):
        assert lz4_decode(bytes(packer.frame(memoryview(text)))) == text


def test_what_cannot_be_compressed_becomes_hardly_longer() -> None:
    text = random.Random(1).randbytes(3 * _BLOCK)
    assert len(Lz4().frame(memoryview(text))) == 7 + 3 * 4 + len(text) + 4
    assert len(Lz4().frame(memoryview(bytes(3 * _BLOCK)))) < 1_000
