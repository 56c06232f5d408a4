"""A directory of segment files as a log that is appended to: its lock, its thread, its refusals.

The store and the spool are this with another upkeep each: what they count, and what they delete.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ingest.log.batch import Batch
from ingest.log.lock import DirectoryLock
from ingest.log.machine import Machine
from ingest.log.position import Position
from ingest.log.recovery import Recovered
from ingest.log.segments import Appended, Segments
from ingest.log.sink import SinkError
from ingest.log.writer import WriterThread

_HANGS = 5.0
"""Seconds after which a disk that does not answer is reported. What waits for it goes on waiting:
whether it is stored is not known."""


class Upkeep(Protocol):
    """What one use of segments does beside appending. All of it in the writer's thread."""

    def locked(self) -> None:
        """Come first: the directory is ours, and nothing was looked at yet."""

    def recovered(self, found: Recovered) -> None:
        """Take note of what the start found."""

    def appended(self) -> None:
        """Take note that a group was appended."""

    def tidy(self) -> float:
        """Do what is due; return within how many seconds to be called again."""

    def closed(self) -> None:
        """Come last, while the directory is still ours."""


class SegmentLog:
    """Appends batches durably. On the event loop; files are written in a thread of its own."""

    def __init__(
        self,
        segments: Segments,
        machine: Machine,
        upkeep: Upkeep,
        on_group: Callable[[], None],
    ) -> None:
        """`on_group` is called on the loop after each group that was appended."""
        self._segments = segments
        self._work = _Work(segments, machine, upkeep)
        self._thread = WriterThread(self._work, on_group)

    async def start(self, name: str) -> None:
        """Lock and recover. Raises `DirectoryInUse`, or `OSError`."""
        await self._thread.start(name)

    async def append(self, batch: Batch) -> Position:
        """Return where a batch stands once it is durable; raise `SinkError` when it is not.

        While full it refuses here and now, without the thread.
        """
        refusal = self.refusal
        if refusal is not None:
            raise refusal
        self._segments.check(batch)
        return await self._thread.submit(batch)

    async def close(self) -> None:
        """Write what was taken, close the segment, and let go of the directory."""
        await self._thread.stop()

    @property
    def ready(self) -> bool:
        """Whether it runs, and nothing failed or was full just now."""
        return self._thread.running and self.trouble is None

    @property
    def trouble(self) -> str | None:
        """Why what is appended now would probably not be confirmed, in plain words."""
        waited = self._work.waited
        if waited >= _HANGS:
            return f"the disk has not answered for {waited:.0f} seconds"
        return self._segments.refusals.why

    @property
    def refusal(self) -> SinkError | None:
        """Why it takes nothing just now."""
        return self._segments.refusals.current()

    @property
    def end(self) -> Position:
        """Behind the last durable frame: up to where readers in this process may read."""
        return self._segments.end


class _Work:
    """What the thread does."""

    def __init__(self, segments: Segments, machine: Machine, upkeep: Upkeep) -> None:
        self._segments = segments
        self._machine = machine
        self._upkeep = upkeep
        self._lock: DirectoryLock | None = None
        self._since: float | None = None
        """When the thread turned to the disk, by the machine's monotonic clock."""

    @property
    def waited(self) -> float:
        """Seconds for which the thread has waited for the disk. In any thread."""
        since = self._since
        return 0.0 if since is None else self._machine.monotonic() - since

    def open(self) -> None:
        directory = self._segments.directory
        self._machine.files.make_directory(directory)
        self._lock = DirectoryLock(directory)
        try:
            self._upkeep.locked()
            self._upkeep.recovered(self._segments.start())
            self._segments.refuse_without_room()  # after the upkeep: it may have made some
        except BaseException:
            self._lock.release()
            raise

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        with self._at_the_disk():
            appended = self._segments.append(batches)
        self._upkeep.appended()
        return appended

    def tidy(self) -> float:
        with self._at_the_disk():
            self._segments.look_for_room()
            return self._upkeep.tidy()

    def close(self) -> None:
        self._segments.close()
        self._upkeep.closed()
        if self._lock is not None:
            self._lock.release()

    @contextlib.contextmanager
    def _at_the_disk(self) -> Iterator[None]:
        self._since = self._machine.monotonic()
        try:
            yield
        finally:
            self._since = None
