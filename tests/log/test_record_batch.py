"""Record batches: byte for byte aiokafka's, and read back as they were, however compressed."""

import inspect
import random
import re
from types import ModuleType

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder, MessageBatch
from aiokafka.record.default_records import DefaultRecordBatch
from hypothesis import given
from hypothesis import strategies as st

from ingest.config import Compression
from ingest.log import record_batch
from ingest.log.batch import Record
from ingest.log.kafka import EVENT_HEADERS
from ingest.log.kafka_shortcut import FullBuilder
from ingest.log.record_batch import BatchWriter, Header
from tests.support.interpreted import interpreted

NOON = 1_732_449_600_000
MODULES = (record_batch, interpreted("ingest.log.record_batch"))
modules = pytest.mark.parametrize("module", MODULES, ids=("compiled", "interpreted"))
compressions = pytest.mark.parametrize("compression", list(Compression))

_lengths = st.sampled_from((0, 1, 62, 63, 64, 65, 127, 128, 8_150, 8_191, 8_192))
_values = st.binary(max_size=80) | st.builds(bytes, _lengths)
_times = st.integers(0, 2**62) | st.integers(NOON - 100, NOON + 100)
_records = st.builds(Record, st.binary(max_size=70), _values, _times)
_lists = st.lists(_records, min_size=1, max_size=8) | st.lists(
    st.builds(Record, st.just(b"k"), st.just(b"v"), _times), min_size=60, max_size=140
)
_headers = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8"), max_size=70), _values), max_size=3
)
_state = st.tuples(
    st.integers(-1, 2**63 - 1), st.integers(-1, 2**15 - 1), st.integers(0, 2**31 - 1)
)


def _by_aiokafka(
    records: list[Record], headers: list[Header], state: tuple[int, int, int]
) -> bytes:
    builder = BatchBuilder(1 << 30, 0)
    for one in records:
        builder.append(timestamp=one.timestamp, key=one.key, value=one.value, headers=headers)
    builder._set_producer_state(*state)
    return bytes(builder._build())


def _read(whole: bytes) -> list[Record]:
    batch = DefaultRecordBatch(whole)
    assert batch.validate_crc()
    found = list(batch)
    assert [each.offset for each in found] == list(range(len(found)))
    assert all(each.headers == list(EVENT_HEADERS) for each in found)
    return [Record(each.key, each.value, each.timestamp) for each in found]


@modules
@given(records=_lists, headers=_headers, state=_state)
def test_a_batch_is_laid_out_as_aiokafka_does_it(
    module: ModuleType, records: list[Record], headers: list[Header], state: tuple[int, int, int]
) -> None:
    made = module.BatchWriter(headers, Compression.NONE).write(records)
    assert made.count == len(records)
    assert made.sealed(*state) == _by_aiokafka(records, headers, state)


@pytest.mark.parametrize("size", [2**20 - 40, 2**20, 2**21 + 1])
def test_a_large_record_is_laid_out_as_aiokafka_does_it(size: int) -> None:
    records = [Record(b"k", bytes(size), NOON), Record(b"k", b"v", NOON)]
    made = BatchWriter(EVENT_HEADERS, Compression.NONE).write(records).sealed(1, 2, 3)
    assert made == _by_aiokafka(records, list(EVENT_HEADERS), (1, 2, 3))


@compressions
@given(lists=st.lists(_lists, min_size=1, max_size=3))
def test_batch_after_batch_is_read_back_as_it_was(
    compression: Compression, lists: list[list[Record]]
) -> None:
    writer = BatchWriter(EVENT_HEADERS, compression)
    made = [writer.write(records) for records in lists]  # none shares its bytes with the next
    for batch, records in zip(made, lists, strict=True):
        assert _read(bytes(batch.sealed(1, 2, 3))) == records


@compressions
@pytest.mark.parametrize("size", [1, 65_400, 65_536, 131_072, 400_000])
def test_long_batches_and_those_that_cannot_be_compressed_are_read_back(
    compression: Compression, size: int
) -> None:
    writer = BatchWriter(EVENT_HEADERS, compression)
    for value in (bytes(size), random.Random(size).randbytes(size)):
        records = [Record(b"site", value, NOON), Record(b"site", value, NOON - 1)]
        assert _read(bytes(writer.write(records).sealed(1, 2, 3))) == records


@compressions
def test_what_does_not_get_smaller_goes_as_it_is(compression: Compression) -> None:
    value = random.Random(1).randbytes(300)
    records = [Record(b"site", value, NOON)]
    made = BatchWriter((), compression).write(records).sealed(1, 2, 3)
    assert made == _by_aiokafka(records, [], (1, 2, 3))


@pytest.mark.parametrize("what", [None, b"key", (b"key", b"value", NOON)])
@modules
def test_what_is_no_record_is_refused_and_spoils_no_other_batch(
    module: ModuleType, what: object
) -> None:
    writer = module.BatchWriter(EVENT_HEADERS, Compression.NONE)
    well = Record(b"key", b"value", NOON)
    with pytest.raises((TypeError, AttributeError)):
        writer.write([well, what])
    made = writer.write([well]).sealed(1, 2, 3)
    assert made == _by_aiokafka([well], list(EVENT_HEADERS), (1, 2, 3))


def test_a_batch_without_records_is_refused() -> None:
    with pytest.raises(IndexError):
        BatchWriter(EVENT_HEADERS, Compression.NONE).write([])


@given(records=_lists, state=_state)
def test_a_batch_has_for_aiokafka_what_its_own_has(
    records: list[Record], state: tuple[int, int, int]
) -> None:
    ours = FullBuilder(BatchWriter(EVENT_HEADERS, Compression.NONE).write(records))
    assert ours.record_count() == len(records)
    assert ours.closed()
    ours.close()
    ours._set_producer_state(*state)
    assert ours._build() == _by_aiokafka(records, list(EVENT_HEADERS), state)
    assert ours._build() is ours._build()  # what is sent again is the same


def test_a_batch_without_its_producer_is_not_sent() -> None:
    made = BatchWriter(EVENT_HEADERS, Compression.NONE).write([Record(b"k", b"v", NOON)])
    with pytest.raises(RuntimeError):
        FullBuilder(made)._build()


def test_aiokafka_asks_nothing_else_of_a_builder_that_takes_no_more() -> None:
    asked = set(re.findall(r"self\._builder\.(\w+)", inspect.getsource(MessageBatch)))
    assert asked - {"append"} <= set(dir(FullBuilder))
