"""How records are gathered into batches, and what each hears of its own."""

import asyncio

import pytest

from ingest.config import Delivery
from ingest.log.accumulator import Accumulator
from ingest.log.batch import Batch, Batching, Record, Settled
from ingest.log.sink import SinkError, SinkFull, SinkTimeout
from tests.support.memory_sink import MemorySink
from tests.support.wait import until_async

CONFIG = Delivery(linger_min=0.001, linger_max=0.001, timeout=60)


def record(number: int, key: bytes = b"a", length: int = 10) -> Record:
    return Record(key, b"%d" % number + bytes(length), number)


def numbers(sink: MemorySink) -> list[list[int]]:
    """The records' numbers, batch by batch."""
    return [[one.timestamp for one in batch.records] for batch in sink.batches]


@pytest.fixture
async def gathering():
    made = Gathering()
    await made.accumulator.start()
    yield made
    made.sink.open.set()
    await made.accumulator.close()


class Gathering:
    def __init__(self, config: Delivery = CONFIG, limit: int = 10_000) -> None:
        self.sink = MemorySink()
        batching = Batching(lambda: limit, lambda key: key[0] % 2, lambda: 2)
        self.accumulator = Accumulator(self.sink, config, batching, bytes)
        self.heard: list[tuple[int, Settled]] = []

    def append(self, number: int, key: bytes = b"a", length: int = 10) -> None:
        one = record(number, key, length)
        self.accumulator.append(one, lambda how: self.heard.append((number, how)))

    async def settled(self, count: int) -> None:
        await until_async(lambda: len(self.heard) == count)


async def test_what_comes_together_goes_together(gathering):
    for number in range(5):
        gathering.append(number)
    await gathering.settled(5)
    assert numbers(gathering.sink) == [[0, 1, 2, 3, 4]]
    assert {how for _, how in gathering.heard} == {Settled.DIRECT}
    assert gathering.accumulator.events_in_flight == gathering.accumulator.bytes_in_flight == 0


async def test_each_partition_has_a_batch_of_its_own(gathering):
    gathering.append(1, b"a")
    gathering.append(2, b"b")
    gathering.append(3, b"a")
    await gathering.settled(3)
    assert sorted(numbers(gathering.sink)) == [[1, 3], [2]]


async def test_while_a_batch_is_under_way_the_next_gathers_on(gathering):
    gathering.sink.open.clear()
    gathering.append(1)
    await until_async(lambda: gathering.accumulator._busy)
    for number in range(2, 30):
        gathering.append(number)
        await asyncio.sleep(0.002)  # longer than it would linger
    gathering.sink.open.set()
    await gathering.settled(29)
    assert numbers(gathering.sink) == [[1], list(range(2, 30))]


async def test_what_was_held_goes_a_moment_after_the_batch_before_it():
    gathering = Gathering(Delivery(linger_min=0.05, linger_max=0.05, timeout=60))
    await gathering.accumulator.start()
    gathering.sink.open.clear()
    gathering.append(1)
    await until_async(lambda: gathering.accumulator._busy)
    gathering.append(2)
    await until_async(lambda: gathering.accumulator._ripe)
    gathering.sink.open.set()
    await gathering.settled(1)
    gathering.append(3)  # by one who was just answered
    await gathering.settled(3)
    assert numbers(gathering.sink) == [[1], [2, 3]]
    await gathering.accumulator.close()


async def test_what_other_partitions_have_goes_along():
    gathering = Gathering(Delivery(linger_min=0.05, linger_max=0.05, timeout=60))
    await gathering.accumulator.start()
    gathering.sink.open.clear()
    gathering.append(1, b"a")
    await asyncio.sleep(0.04)
    gathering.append(2, b"b")
    await until_async(lambda: gathering.accumulator._busy)
    assert set(gathering.accumulator._busy) == {0, 1}
    gathering.sink.open.set()
    await gathering.settled(2)
    await gathering.accumulator.close()


async def test_another_partition_does_not_wait_for_it(gathering):
    gathering.sink.open.clear()
    gathering.append(1, b"a")
    gathering.append(2, b"b")
    await until_async(lambda: len(gathering.accumulator._busy) == 2)


async def test_it_is_held_for_a_while_only():
    gathering = Gathering(Delivery(linger_min=0.001, linger_max=0.001, timeout=0.12))
    await gathering.accumulator.start()
    gathering.sink.open.clear()
    gathering.append(1)
    await until_async(lambda: gathering.accumulator._busy)
    gathering.append(2)
    await until_async(lambda: gathering.accumulator._busy.get(1) == 2)
    gathering.sink.open.set()
    await gathering.settled(2)
    await gathering.accumulator.close()


async def test_a_full_batch_waits_for_nothing():
    gathering = Gathering(limit=300)
    await gathering.accumulator.start()
    gathering.sink.open.clear()
    for number in range(10):
        gathering.append(number, length=100)
    assert gathering.accumulator._busy[1] >= 4
    gathering.sink.open.set()
    await gathering.settled(10)
    assert [number for batch in numbers(gathering.sink) for number in batch] == list(range(10))
    await gathering.accumulator.close()


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (SinkFull("full"), Settled.SHED),
        (SinkTimeout("late"), Settled.FAILED),
        (SinkError("?"), Settled.FAILED),
        (ValueError("a mistake"), Settled.FAILED),
    ],
)
async def test_an_error_is_told_to_all_of_a_batch_and_the_next_goes_on(gathering, error, how):
    gathering.sink.error = error
    gathering.append(1)
    gathering.append(2)
    await gathering.settled(2)
    assert gathering.heard == [(1, how), (2, how)]
    gathering.sink.error = None
    gathering.append(3)
    await gathering.settled(3)
    assert gathering.heard[-1] == (3, Settled.DIRECT)
    assert gathering.accumulator._busy == {}


async def test_without_room_a_record_is_shed_at_once():
    gathering = Gathering(Delivery(max_waiting=1_000_000, linger_min=0.001, linger_max=0.001))
    await gathering.accumulator.start()
    gathering.sink.open.clear()
    while not gathering.heard:
        gathering.append(len(gathering.heard), length=10_000)
    assert gathering.heard == [(0, Settled.SHED)]
    assert not gathering.accumulator.offer(record(1, length=10_000))
    gathering.sink.open.set()
    await gathering.accumulator.drain(30)
    await gathering.accumulator.close()


async def test_closing_gives_up_what_is_not_settled(gathering):
    gathering.sink.open.clear()
    gathering.append(1)
    await gathering.accumulator.close()
    assert gathering.heard == [(1, Settled.FAILED)]


async def test_one_who_raises_keeps_nobody_else_from_being_told(caplog):
    gathering = Batch(bytes(16), 0, 0.0)
    told = []

    def raises(_how):
        raise ValueError("a mistake of ours")

    for waiter in (told.append, raises, told.append):
        gathering.add(Record(b"k", b"v", 0), waiter)
    gathering.settle(Settled.DIRECT)
    assert told == [Settled.DIRECT, Settled.DIRECT]
    assert caplog.messages == ["answering an event failed"]
