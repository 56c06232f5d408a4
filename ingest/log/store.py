"""The store on disk, for a collector without Kafka: segments, limits, and retention."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.config import Store as StoreConfig
from ingest.log.batch import Batch, Settled
from ingest.log.lock import DirectoryLock
from ingest.log.machine import Machine
from ingest.log.position import Position
from ingest.log.retention import expired, next_expiry
from ingest.log.room import FULL_PAUSE, Limits
from ingest.log.segment import DAY_MS, day_of
from ingest.log.segments import Appended, Segments
from ingest.log.writer import WriterThread

_MACHINE = Machine()
_LONGEST_WAIT = 60_000
"""Milliseconds after which the clock is looked at again: it may have been set."""
_SHORTEST_WAIT = 1_000
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class StoreCounts:
    """Plain numbers for metrics, written by the store's thread and read by any."""

    bytes: int = 0
    """Of all segments, now."""
    segments: int = 0
    """Files, now."""
    torn_bytes: int = 0
    """Cut off at the start: never confirmed."""
    damaged_frames: int = 0
    """Parts found unreadable at the start."""
    expired_segments: int = 0
    """Deleted by retention since the start."""
    groups: int = 0
    """Groups of batches appended, each with one fdatasync."""


class Store:
    """A `Sink` of segment files in one directory, which it locks."""

    def __init__(
        self,
        directory: Path,
        config: StoreConfig,
        on_durable: Callable[[Position], None] = lambda _: None,
        machine: Machine = _MACHINE,
    ) -> None:
        """`on_durable` is told on the loop, after each group, up to where readers may read."""
        self.counts = StoreCounts()
        self._work = _StoreWork(directory, config, self.counts, machine)
        self._segments = self._work.segments
        self._thread = WriterThread(self._work, lambda: on_durable(self._segments.end))

    async def start(self) -> None:
        """Lock, recover, delete what is too old.

        Raises `DirectoryInUse`, or `OSError` when the directory cannot be used.
        """
        await self._thread.start("store")

    async def write(self, batch: Batch) -> Settled:
        """Return when the batch is durable; raise `SinkError` when it is not.

        While full it refuses here and now, without the thread.
        """
        refusal = self._segments.refusals.current()
        if refusal is not None:
            raise refusal
        self._segments.check(batch)
        await self._thread.submit(batch)
        return Settled.DIRECT

    async def close(self) -> None:
        """Write what was taken, close the segment, and let go of the directory."""
        await self._thread.stop()

    @property
    def ready(self) -> bool:
        """Whether it runs, and nothing failed or was full just now."""
        return self._thread.running and not self._segments.refusals.any

    @property
    def end(self) -> Position:
        """Behind the last durable frame: up to where readers in this process may read."""
        return self._segments.end


class _StoreWork:
    """What the store's thread does."""

    def __init__(
        self, directory: Path, config: StoreConfig, counts: StoreCounts, machine: Machine
    ) -> None:
        limits = Limits(config.max_bytes, config.min_free)
        self.segments = Segments(directory, config.segment_bytes, limits, machine)
        self._directory = directory
        self._retention_days = config.retention_days
        self._counts = counts
        self._machine = machine
        self._tidied = self._due = 0
        self._lock: DirectoryLock | None = None

    def open(self) -> None:
        self._machine.files.make_directory(self._directory)
        self._lock = DirectoryLock(self._directory)
        try:
            recovered = self.segments.start()
        except BaseException:
            self._lock.release()
            raise
        self._counts.torn_bytes = recovered.torn_bytes
        self._counts.damaged_frames = recovered.damaged_frames
        self.tidy()

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        files = self.segments.files
        appended = self.segments.append(batches)
        if self.segments.files != files:
            self._due = 0  # a segment was closed or begun
        self._counts.groups += 1
        self._counts.bytes = self.segments.size
        return appended

    def tidy(self) -> float:
        now = self._machine.clock()
        self.segments.look_for_room()
        if not self._tidied <= now < self._due:
            self._tidied, self._due = now, self._retain(now)
        if self.segments.refusals.any:
            return FULL_PAUSE
        return (self._due - now) / 1000

    def close(self) -> None:
        self.segments.close()
        if self._lock is not None:
            self._lock.release()

    def _retain(self, now: int) -> int:
        """Close and delete what is due; return when to do so again."""
        self.segments.close_when_due(now)
        for segment in expired(self.segments.closed, now, self._retention_days):
            with contextlib.suppress(OSError):  # tried again within the minute
                self.segments.delete(segment.name.sequence)
                self._counts.expired_segments += 1
                fields = {"segment": segment.name.file, "records": segment.records}
                _log.info("segment past its retention deleted", extra={"fields": fields})
        self._counts.bytes, self._counts.segments = self.segments.size, self.segments.files
        midnight = (day_of(now) + 1) * DAY_MS
        expiry = next_expiry(self.segments.closed, self._retention_days) or midnight
        # A segment that could not be deleted is due already: not at once again.
        return min(max(expiry, now + _SHORTEST_WAIT), midnight, now + _LONGEST_WAIT)
