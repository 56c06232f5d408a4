"""The thread that writes: whatever waits becomes durable together, with one fdatasync."""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from ingest.log.batch import Batch
from ingest.log.position import Position
from ingest.log.segments import Appended
from ingest.log.sink import SinkError, SinkUnavailable

GROUP_BYTES = 4 * 1024 * 1024
"""Bytes of batches, uncompressed, written together: bounds memory and how long one sync takes."""
_AFTER_FAILURE = 1.0
_log = logging.getLogger(__name__)

Place = asyncio.Future[Position]
"""Resolves to where a batch stands once it is durable, or raises `SinkError`."""
_Job = tuple[Batch, Place]


class Work(Protocol):
    """What the thread does; all of it is called there and nowhere else."""

    def open(self) -> None:
        """Come first. May raise."""

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        """Make batches durable; return what became of each."""

    def tidy(self) -> float:
        """Do what is due; return within how many seconds to be called again."""

    def close(self) -> None:
        """Come last."""


class WriterThread:
    """Takes batches from the event loop, has them appended in groups, settles them on the loop.

    While one group is being synced the next gathers: the slower the disk, the larger the groups.
    A thread of its own, for asyncio's executor may be full of other people's waits. A daemon: to a
    process that ends without `stop` it is a crash, and it is made for crashes.
    """

    def __init__(self, work: Work, on_group: Callable[[], None]) -> None:
        """`on_group` is called on the loop after each group that was appended."""
        self._work = work
        self._on_group = on_group
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def start(self, name: str) -> None:
        """Begin, with `Work.open`. Raises what that raises."""
        loop = asyncio.get_running_loop()
        opened, self._ended = loop.create_future(), loop.create_future()
        thread = threading.Thread(target=self._run, args=(loop, opened), name=name, daemon=True)
        thread.start()
        await opened
        self._thread = thread

    def submit(self, batch: Batch) -> Place:
        """Queue a batch. On the loop. Raises `SinkUnavailable` before `start` and after `stop`."""
        if self._thread is None:
            raise SinkUnavailable("closed")
        place: Place = asyncio.get_running_loop().create_future()
        self._jobs.put((batch, place))
        return place

    async def stop(self) -> None:
        """Have everything queued appended, and end with `Work.close`."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            await self._ended
            thread.join()

    @property
    def running(self) -> bool:
        """Whether batches are taken."""
        return self._thread is not None

    def _run(self, loop: asyncio.AbstractEventLoop, opened: asyncio.Future[None]) -> None:
        try:
            self._work.open()
        except Exception as error:
            _post(loop, _settle, opened, error)
            return
        _post(loop, _settle, opened, None)
        going = True
        while going:
            jobs, going = self._take(self._wait())
            if jobs:
                appended = self._append([batch for batch, _ in jobs])
                _post(loop, self._settle_group, [place for _, place in jobs], appended)
        with _reported("closing failed"):
            self._work.close()
        _post(loop, _settle, self._ended, None)

    def _wait(self) -> float:
        with _reported("tidying failed"):
            return self._work.tidy()
        return _AFTER_FAILURE

    def _take(self, wait: float) -> tuple[list[_Job], bool]:
        """Wait for a job and take all there are, up to `GROUP_BYTES`; and whether to go on."""
        jobs: list[_Job] = []
        size = 0
        with contextlib.suppress(queue.Empty):
            while size < GROUP_BYTES:
                job = self._jobs.get_nowait() if jobs else self._jobs.get(timeout=wait)
                if job is None:
                    return jobs, False
                jobs.append(job)
                size += job[0].size
        return jobs, True

    def _append(self, batches: Sequence[Batch]) -> list[Appended]:
        with _reported("appending failed"):
            return self._work.append(batches)
        return [SinkError("appending failed") for _ in batches]

    def _settle_group(self, places: Sequence[Place], appended: Sequence[Appended]) -> None:
        for place, how in zip(places, appended, strict=True):
            if isinstance(how, SinkError):
                _settle(place, how)
            elif not place.done():
                place.set_result(how)
        self._on_group()


@contextlib.contextmanager
def _reported(what: str) -> Iterator[None]:
    """A mistake of ours must not end the thread: everything after it would wait without end."""
    try:
        yield
    except Exception:
        _log.exception(what)


def _settle(waiting: "asyncio.Future[Any]", error: Exception | None) -> None:
    if waiting.done():  # whoever waited was cancelled
        return
    if error is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(error)


def _post(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(call, *arguments)
