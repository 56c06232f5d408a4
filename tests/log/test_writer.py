import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest

from ingest.log.batch import Batch
from ingest.log.position import Position
from ingest.log.segments import Appended
from ingest.log.sink import SinkError, SinkFull, SinkUnavailable
from ingest.log.writer import GROUP_BYTES, WriterThread
from tests.support.stored import batch, batches, number
from tests.support.wait import until_async


class Work:
    """Remembers what it was asked, and waits or fails when told to."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.threads: set[int] = set()
        self.tidied = 0
        self.closed = False
        self.wait = 60.0
        self.may_append = threading.Event()
        self.may_append.set()
        self.failing: dict[str, Exception] = {}
        self.results: dict[int, SinkError] = {}
        """By a batch's number; all others succeed."""

    def open(self) -> None:
        self._asked("open")

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        numbers = [number(one.id) for one in batches]
        self.groups.append(numbers)
        assert self.may_append.wait(20)
        self._asked("append")
        return [self.results.get(n) or Position(1, n) for n in numbers]

    def tidy(self) -> float:
        self.tidied += 1
        self._asked("tidy")
        return self.wait

    def close(self) -> None:
        self.closed = True
        self._asked("close")

    def _asked(self, name: str) -> None:
        self.threads.add(threading.get_ident())
        if name in self.failing:
            raise self.failing.pop(name)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def writer(work: Work) -> AsyncIterator[WriterThread]:
    writer = WriterThread(work, lambda: None)
    await writer.start("test")
    yield writer
    work.may_append.set()
    await writer.stop()


async def _blocked_by(work: Work, writer: WriterThread, one: Batch) -> "asyncio.Future[Position]":
    """Submit a batch whose group stays under way until `may_append` is set."""
    work.may_append.clear()
    place = writer.submit(one)
    await until_async(lambda: work.groups)
    return place


async def test_what_waits_while_a_group_is_written_becomes_the_next(
    work: Work, writer: WriterThread
) -> None:
    first = await _blocked_by(work, writer, batch(0))
    others = [writer.submit(one) for one in batches(range(1, 50))]
    assert not first.done()
    work.may_append.set()
    assert await asyncio.gather(first, *others) == [Position(1, n) for n in range(50)]
    assert work.groups == [[0], list(range(1, 50))]


async def test_a_group_is_bounded_in_bytes(work: Work, writer: WriterThread) -> None:
    first = await _blocked_by(work, writer, batch(0))
    third = GROUP_BYTES // 3
    others = [writer.submit(batch(n, records=1, length=third)) for n in range(1, 8)]
    work.may_append.set()
    await asyncio.gather(first, *others)
    assert work.groups == [[0], [1, 2, 3], [4, 5, 6], [7]]


async def test_each_batch_of_a_group_gets_its_own_end(work: Work, writer: WriterThread) -> None:
    first = await _blocked_by(work, writer, batch(0))
    work.results = {2: SinkFull("no room")}
    one, two, three = (writer.submit(made) for made in batches([1, 2, 3]))
    work.may_append.set()
    await first
    assert await one == Position(1, 1)
    with pytest.raises(SinkFull, match="no room"):
        await two
    assert await three == Position(1, 3)


async def test_who_gave_up_waiting_disturbs_nobody(work: Work, writer: WriterThread) -> None:
    first = await _blocked_by(work, writer, batch(0))
    work.results = {1: SinkFull("no room")}
    one, two, three = (writer.submit(made) for made in batches([1, 2, 3]))
    one.cancel()
    two.cancel()
    work.may_append.set()
    await first
    assert await three == Position(1, 3)


async def test_a_mistake_in_appending_confirms_nothing_and_ends_nothing(
    work: Work, writer: WriterThread, caplog: pytest.LogCaptureFixture
) -> None:
    work.failing["append"] = ZeroDivisionError()
    with pytest.raises(SinkError, match="appending failed"):
        await writer.submit(batch(1))
    assert "appending failed" in caplog.text
    assert await writer.submit(batch(2)) == Position(1, 2)


async def test_a_mistake_in_tidying_ends_nothing(
    work: Work, writer: WriterThread, caplog: pytest.LogCaptureFixture
) -> None:
    work.failing["tidy"] = ZeroDivisionError()
    await writer.submit(batch(1))
    await until_async(lambda: "tidying failed" in caplog.text)
    assert await writer.submit(batch(2)) == Position(1, 2)


async def test_it_tidies_again_when_the_work_says_so(work: Work, writer: WriterThread) -> None:
    work.wait = 0.001
    await writer.submit(batch(1))
    await until_async(lambda: work.tidied > 10)


async def test_everything_is_done_in_one_thread_that_is_not_the_loops(
    work: Work, writer: WriterThread
) -> None:
    await writer.submit(batch(1))
    await writer.stop()
    assert len(work.threads) == 1
    assert threading.get_ident() not in work.threads


async def test_stopping_appends_what_was_taken_and_then_closes(
    work: Work, writer: WriterThread
) -> None:
    first = await _blocked_by(work, writer, batch(0))
    others = [writer.submit(one) for one in batches([1, 2])]
    stopping = asyncio.create_task(writer.stop())
    await asyncio.sleep(0)
    assert not writer.running
    with pytest.raises(SinkUnavailable):
        writer.submit(batch(3))
    assert not work.closed
    work.may_append.set()
    await stopping
    assert work.closed
    assert await asyncio.gather(first, *others) == [Position(1, n) for n in range(3)]


async def test_a_mistake_in_closing_does_not_keep_the_stop_waiting(
    work: Work, writer: WriterThread, caplog: pytest.LogCaptureFixture
) -> None:
    work.failing["close"] = ZeroDivisionError()
    await writer.stop()
    await writer.stop()
    assert "closing failed" in caplog.text


async def test_a_start_that_fails_says_why_and_takes_nothing(work: Work) -> None:
    writer = WriterThread(work, lambda: None)
    with pytest.raises(SinkUnavailable):
        writer.submit(batch(1))
    work.failing["open"] = PermissionError("no")
    with pytest.raises(PermissionError):
        await writer.start("test")
    assert not writer.running
    with pytest.raises(SinkUnavailable):
        writer.submit(batch(1))
    await writer.stop()


async def test_the_loop_is_told_after_each_group_once_its_batches_are_settled(work: Work) -> None:
    settled: list[bool] = []
    places: list[asyncio.Future[Position]] = []
    writer = WriterThread(work, lambda: settled.append(all(place.done() for place in places)))
    await writer.start("test")
    for one in batches([1, 2]):
        places.append(writer.submit(one))
        await places[-1]
    await writer.stop()
    assert settled == [True, True]


def test_a_loop_that_ended_without_a_stop_is_like_a_crash(work: Work) -> None:
    async def leave() -> None:
        writer = WriterThread(work, lambda: None)
        await writer.start("test")
        await _blocked_by(work, writer, batch(1))

    threads = threading.active_count()
    asyncio.run(leave())
    work.wait = 0.001
    tidied = work.tidied
    work.may_append.set()
    asyncio.run(until_async(lambda: work.tidied > tidied + 1))
    assert threading.active_count() > threads  # it goes on: it does not need the loop
    work.wait = 3600
