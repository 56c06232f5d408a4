"""The store on disk, for a collector without Kafka: segments, limits, and retention."""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.config import Store as StoreConfig
from ingest.log.batch import Batch, Settled
from ingest.log.machine import Machine
from ingest.log.position import Position
from ingest.log.recovery import Recovered
from ingest.log.retention import expired, next_expiry, sweep
from ingest.log.room import FULL_PAUSE, Limits
from ingest.log.segment import ASIDE, DAY_MS, day_of
from ingest.log.segment_log import SegmentLog
from ingest.log.segments import Segments

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
    """Cut off at the start: never confirmed, unless the disk lost what it had synced."""
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
        limits = Limits(config.max_bytes, config.min_free)
        segments = Segments(directory, config.segment_bytes, limits, machine)
        self.counts = StoreCounts()
        upkeep = _Retention(segments, config.retention_days, self.counts, machine)
        self._log = SegmentLog(segments, machine, upkeep, lambda: on_durable(self.end))

    async def start(self) -> None:
        """Lock, recover, delete what is too old.

        Raises `DirectoryInUse`, or `OSError` when the directory cannot be used.
        """
        await self._log.start("store")

    async def write(self, batch: Batch) -> Settled:
        """Return when the batch is durable; raise `SinkError` when it is not."""
        await self._log.append(batch)
        return Settled.DIRECT

    async def close(self) -> None:
        """Write what was taken, close the segment, and let go of the directory."""
        await self._log.close()

    @property
    def ready(self) -> bool:
        """Whether it runs, and nothing failed or was full just now."""
        return self._log.ready

    @property
    def trouble(self) -> str | None:
        """Why it takes nothing."""
        trouble = self._log.trouble
        return None if trouble is None else f"the store: {trouble}"

    @property
    def end(self) -> Position:
        """Behind the last durable frame: up to where readers in this process may read."""
        return self._log.end


class _Retention:
    """Counts, and deletes what is too old. Implements `Upkeep`."""

    def __init__(
        self, segments: Segments, retention_days: int, counts: StoreCounts, machine: Machine
    ) -> None:
        self._segments = segments
        self._retention_days = retention_days
        self._counts = counts
        self._machine = machine
        self._tidied = self._due = 0
        self._files = 0
        self._swept = -1

    def locked(self) -> None:
        """Nothing to prepare."""

    def recovered(self, found: Recovered) -> None:
        self._counts.torn_bytes = found.torn_bytes
        self._counts.damaged_frames = found.damaged_frames
        self.tidy()

    def appended(self) -> None:
        if self._segments.files != self._files:
            self._due = 0  # a segment was closed or begun
        self._counts.groups += 1
        self._counts.bytes = self._segments.size

    def tidy(self) -> float:
        now = self._machine.clock()
        if not self._tidied <= now < self._due:
            self._tidied, self._due = now, self._retain(now)
        if self._segments.refusals.any:
            return FULL_PAUSE
        return (self._due - now) / 1000

    def closed(self) -> None:
        """Nothing to remember."""

    def _retain(self, now: int) -> int:
        """Close and delete what is due; return when to do so again."""
        segments = self._segments
        segments.close_when_due(now)
        for segment in expired(segments.closed, now, self._retention_days):
            with contextlib.suppress(OSError):  # tried again within the minute
                segments.delete(segment.name.sequence)
                self._counts.expired_segments += 1
                fields = {"segment": segment.name.file, "records": segment.records}
                _log.info("segment past its retention deleted", extra={"fields": fields})
        if day_of(now) != self._swept:
            self._swept = day_of(now)
            sweep(segments.directory, now, ASIDE, self._retention_days)
        self._files = segments.files
        self._counts.bytes, self._counts.segments = segments.size, segments.files
        midnight = (day_of(now) + 1) * DAY_MS
        expiry = next_expiry(segments.closed, self._retention_days) or midnight
        # A segment that could not be deleted is due already: not at once again.
        return min(max(expiry, now + _SHORTEST_WAIT), midnight, now + _LONGEST_WAIT)
