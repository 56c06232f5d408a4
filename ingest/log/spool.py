"""The spool: batches that Kafka did not take, on disk until it does.

The same segment files as the store's, never in the same directory. A segment goes once Kafka has
acknowledged all that is in it, and at 20 days whatever happens: that is the promise of privacy.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.config import Spool as SpoolConfig
from ingest.log.batch import Batch
from ingest.log.lock import DirectoryLock
from ingest.log.machine import Machine
from ingest.log.position import BEGINNING
from ingest.log.reader import Reader, Skipped, SkipReason, StoredBatch, log_skipped
from ingest.log.recovery import Segment
from ingest.log.retention import LONGEST_DAYS, expired, expiry
from ingest.log.room import Limits
from ingest.log.segment import SegmentName, day_of
from ingest.log.segments import Appended, Segments
from ingest.log.writer import WriterThread

_MACHINE = Machine()
_TIDY = 0.1
"""Seconds between looks for what may go, while anything is there."""
_IDLE_TIDY = 60.0
_ASIDE = ".aside"
"""Ends the names of segments that could not be read in part: kept for 20 days to be looked at."""
_TRIES = 5
"""Times that a disk may fail to be read in a row, before what it does not give is stepped over."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class SpoolCounts:
    """Plain numbers for metrics: events, where not said otherwise.

    waiting_at_start + spooled = replayed + quarantined + waiting, at every step of the loop. What
    turns out to be unreadable, or is too old to be kept, leaves `waiting_at_start`.
    """

    found: int = 0
    """On disk when the process started."""
    spooled: int = 0
    replayed: int = 0
    quarantined: int = 0
    lost: int = 0
    """On disk once, unreadable now; below 0 where more was on disk than had been confirmed."""
    expired: int = 0
    """Deleted at 20 days: Kafka was away too long. Written by the spool's thread alone."""
    bytes: int = 0
    """Of all segments."""
    torn_bytes: int = 0
    """Cut off at the start: never confirmed."""
    damaged_frames: int = 0
    """Parts found unreadable at the start."""

    @property
    def waiting_at_start(self) -> int:
        """On disk at the start, but for what could not be kept."""
        return self.found - self.lost - self.expired

    @property
    def waiting(self) -> int:
        """Events on disk that Kafka has not taken yet."""
        return self.waiting_at_start + self.spooled - self.replayed - self.quarantined


class Spool:
    """Appends batches durably, gives them back oldest first, and lets go of what is acknowledged.

    On the event loop; files are written in a thread of its own and read in asyncio's executor.
    """

    def __init__(self, directory: Path, config: SpoolConfig, machine: Machine = _MACHINE) -> None:
        self.counts = SpoolCounts()
        self._work = _SpoolWork(directory, config, self.counts, machine)
        self._segments = self._work.segments
        self._thread = WriterThread(self._work, lambda: None)
        self._directory = directory
        self._machine = machine
        self._reader: Reader | None = None
        self._reading = threading.Lock()
        self._failures = 0
        self._read_to = BEGINNING
        self._appending = 0

    async def start(self) -> None:
        """Lock and recover. Raises `DirectoryInUse`, or `OSError`."""
        await self._thread.start("spool")
        self._reader = Reader(self._directory, on_skip=self._skipped, files=self._machine.files)

    async def append(self, batch: Batch) -> None:
        """Return when the batch is durable; raise `SinkError` when it is not."""
        refusal = self._segments.refusals.current()
        if refusal is not None:
            raise refusal
        self._segments.check(batch)
        self._appending += 1
        try:
            await self._thread.submit(batch)
            self.counts.spooled += len(batch.records)
        finally:
            self._appending -= 1

    async def read(self, most: int) -> list[StoredBatch]:
        """The oldest batches not read yet, of about `most` bytes together; empty: there are none.

        Raises `OSError` when the disk cannot be read.
        """
        if self._reader is None or self.empty:
            return []
        found = await asyncio.to_thread(self._read, self._reader, most)
        if not found and self._read_to > self._work.released:
            self.release(0, 0)  # there was only what cannot be read, or the end of a segment
        return found

    def release(self, replayed: int, quarantined: int) -> None:
        """Kafka or the quarantine holds all that was read so far: it may go."""
        counts = self.counts
        counts.replayed += replayed
        counts.quarantined += quarantined
        self._work.released = self._read_to
        if self.empty and self._reader is not None:
            self._reader.close()  # an open file keeps its room on the disk though it is deleted
        if self.empty and not self._appending:
            counts.lost += counts.waiting  # nothing is left on disk: this could not be read

    async def close(self) -> None:
        """Write what was taken, and let go of the directory."""
        await self._thread.stop()
        if self._reader is not None:
            with self._reading:
                self._reader.close()

    @property
    def empty(self) -> bool:
        """Whether nothing waits to be read."""
        return self._read_to >= self._segments.end

    @property
    def ready(self) -> bool:
        """Whether it takes batches."""
        return self._thread.running and not self._segments.refusals.any

    @property
    def trouble(self) -> str | None:
        """Why it takes none."""
        refusal = self._segments.refusals.current()
        return None if refusal is None else f"the spool: {refusal}"

    def _read(self, reader: Reader, most: int) -> list[StoredBatch]:
        """Never lets go of what was read before the disk failed: the reader stands behind it."""
        found: list[StoredBatch] = []
        size = 0
        end = self._segments.end
        reader.strict = self._failures < _TRIES
        with self._reading:
            try:
                for batch in reader.batches(end):
                    found.append(batch)
                    size += batch_bytes(batch)
                    if size >= most:
                        self._read_to = reader.position
                        return found
            except OSError:
                self._failures += 1
                reader.close()
                if not found:
                    raise
                self._read_to = reader.position
                return found
        self._failures = 0
        self._read_to = max(end, reader.position)
        return found

    def _skipped(self, skipped: Skipped) -> None:
        if skipped.reason is not SkipReason.GONE:  # those we deleted ourselves, and counted
            log_skipped(skipped)
            self._work.damaged.add(skipped.start.sequence)


def batch_bytes(batch: StoredBatch) -> int:
    """Bytes of a batch's keys and values."""
    return sum(len(record.key) + len(record.value) for record in batch.records)


class _SpoolWork:
    """What the spool's thread does."""

    def __init__(
        self, directory: Path, config: SpoolConfig, counts: SpoolCounts, machine: Machine
    ) -> None:
        limits = Limits(config.max_bytes, config.min_free)
        self.segments = Segments(directory, config.segment_bytes, limits, machine)
        self.released = BEGINNING
        """Up to here all is on Kafka. Written by the loop, read by the thread."""
        self.damaged: set[int] = set()
        """Segments of which a part could not be read: set aside, not deleted."""
        self._swept = -1
        self._directory = directory
        self._counts = counts
        self._machine = machine
        self._lock: DirectoryLock | None = None

    def open(self) -> None:
        self._machine.files.make_directory(self._directory)
        self._lock = DirectoryLock(self._directory)
        try:
            recovered = self.segments.start()
        except BaseException:
            self._lock.release()
            raise
        counts = self._counts
        counts.torn_bytes, counts.damaged_frames = recovered.torn_bytes, recovered.damaged_frames
        self.damaged.update(part.name.sequence for part in recovered.segments if not part.records)
        counts.found = sum(segment.records for segment in recovered.segments)
        counts.bytes = self.segments.size
        if counts.found:
            fields = {"events": counts.found, "segments": len(recovered.segments)}
            _log.info("events wait in the spool", extra={"fields": fields})

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        appended = self.segments.append(batches)
        self._counts.bytes = self.segments.size
        return appended

    def tidy(self) -> float:
        segments = self.segments
        self._sweep()
        if segments.files:
            self._let_go(segments)
        segments.look_for_room()
        return _TIDY if segments.files or segments.refusals.any else _IDLE_TIDY

    def close(self) -> None:
        self.segments.close()
        if self._lock is not None:
            self._lock.release()

    def _let_go(self, segments: Segments) -> None:
        if self.released >= segments.end:
            segments.close()  # all of it is on Kafka: also the file that was open may go
        now = self._machine.clock()
        segments.close_when_due(now)  # so that one in which nothing is written comes of age too
        for segment in segments.closed:
            if self._is_done(segment):
                self._delete(segment)
        for segment in expired(segments.closed, now, LONGEST_DAYS):
            self._expire(segment)
        self._counts.bytes = segments.size

    def _is_done(self, segment: Segment) -> bool:
        sequence = segment.name.sequence
        return sequence < self.released.sequence or self.released >= self.segments.end

    def _expire(self, segment: Segment) -> None:
        if self._delete(segment):
            self._counts.expired += segment.records
            fields = {"segment": segment.name.file, "events": segment.records}
            _log.error("spool: deleted at 20 days, never on Kafka", extra={"fields": fields})

    def _delete(self, segment: Segment) -> bool:
        with contextlib.suppress(OSError):  # tried again soon
            if segment.name.sequence in self.damaged:
                self._set_aside(segment)
            self.segments.delete(segment.name.sequence)
            self.damaged.discard(segment.name.sequence)
            return True
        return False

    def _set_aside(self, segment: Segment) -> None:
        path = self._directory / segment.name.file
        with contextlib.suppress(FileNotFoundError):
            path.rename(path.with_name(path.name + _ASIDE))
            fields = {"segment": path.name + _ASIDE}
            _log.error("spool: segment that cannot be read set aside", extra={"fields": fields})

    def _sweep(self) -> None:
        """Once a day: what was set aside goes when it is as old as events may be."""
        now = self._machine.clock()
        if day_of(now) == self._swept:
            return
        self._swept = day_of(now)
        for path in self._directory.glob(f"*{_ASIDE}"):
            name = SegmentName.parse(path.name.removesuffix(_ASIDE))
            if name is not None and expiry(name.last_ms, LONGEST_DAYS) <= now:
                path.unlink(missing_ok=True)
