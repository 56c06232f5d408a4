import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ingest.log.batch import Record
from ingest.log.records import MAX_RAW, BadPayload, Compressor, Decompressor, pack, unpack

a_record = st.builds(
    Record,
    key=st.binary(max_size=70),
    value=st.binary(max_size=300),
    timestamp=st.integers(-(2**63), 2**63 - 1),
)
records = st.lists(a_record, min_size=1, max_size=30)


@given(st.lists(records, min_size=1, max_size=5))
def test_records_come_back_as_they_were(several: list[list[Record]]) -> None:
    payloads = Compressor().payloads(several)
    decompressor = Decompressor()
    for payload, batch in zip(payloads, several, strict=True):
        assert decompressor.records(payload, len(batch)) == tuple(batch)


@given(records)
def test_a_payload_is_the_same_alone_and_among_others(batch: list[Record]) -> None:
    compressor = Compressor()
    assert compressor.payloads([batch, batch]) == compressor.payloads([batch]) * 2


@given(st.binary(max_size=200), st.integers(0, 50))
def test_any_bytes_are_records_or_bad(raw: bytes, count: int) -> None:
    try:
        found = unpack(raw, count)
    except BadPayload:
        return
    assert len(found) == count
    assert not found or pack(found) == raw


@given(st.binary(max_size=200))
def test_any_payload_is_records_or_bad(payload: bytes) -> None:
    with pytest.raises(BadPayload):
        Decompressor().records(payload, 3)


def test_a_wrong_count_is_bad() -> None:
    payload = Compressor().payloads([[Record(b"k", b"value", 1)]])[0]
    for count in (0, 2, 2**32 - 1):
        with pytest.raises(BadPayload):
            Decompressor().records(payload, count)


def test_a_payload_that_would_fill_the_memory_is_bad() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(MAX_RAW + 1))
    assert len(bomb) < 10_000
    with pytest.raises(BadPayload, match="too long"):
        Decompressor().records(bomb, 1)


def test_a_payload_of_unknown_length_is_bad() -> None:
    unknown = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(100))
    with pytest.raises(BadPayload, match="unknown length"):
        Decompressor().records(unknown, 1)


def test_bytes_behind_the_payload_are_bad() -> None:
    payload = Compressor().payloads([[Record(b"k", b"value", 1)]])[0]
    with pytest.raises(BadPayload):
        Decompressor().records(payload + b"x", 1)
