"""The spool: batches that Kafka did not take, on disk until it does.

The same segment files as the store's, never in the same directory. A segment goes once all that is
in it is on Kafka or in quarantine, and at 20 days whatever happens: the promise of privacy.
"""

import asyncio
import contextlib
import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ingest.config import Spool as SpoolConfig
from ingest.log.batch import Batch
from ingest.log.machine import Machine
from ingest.log.position import BEGINNING, Position
from ingest.log.reader import Reader, Skipped, SkipReason, StoredBatch, batch_bytes, log_skipped
from ingest.log.room import Limits
from ingest.log.segment_log import SegmentLog
from ingest.log.segments import Segments
from ingest.log.spool_upkeep import Gone, SpoolUpkeep

_MACHINE = Machine()
_log = logging.getLogger(__name__)
_TRIES = 5
"""Times that a disk may fail to be read in a row, before what it does not give is stepped over."""


@dataclass(slots=True)
class SpoolCounts:
    """Plain numbers for metrics: events, where not said otherwise.

    waiting_at_start + spooled = replayed + quarantined + waiting, at every step of the loop. The
    left side counts batches as they come and go; `waiting` is what the segments still hold.
    """

    found: int = 0
    """On disk when the process started, and not known to be on Kafka."""
    spooled: int = 0
    replayed: int = 0
    quarantined: int = 0
    lost: int = 0
    """On disk once, unreadable now; below 0 where more was on disk than had been confirmed."""
    expired: int = 0
    """Deleted at 20 days: Kafka was away too long."""
    bytes: int = 0
    """Of all segments."""
    torn_bytes: int = 0
    """Cut off at the start: never confirmed, unless the disk lost what it had synced."""
    damaged_frames: int = 0
    """Parts found unreadable at the start."""
    held: dict[int, int] = field(default_factory=dict)
    """Events that wait, by the number of the segment they are in."""

    @property
    def waiting_at_start(self) -> int:
        """On disk at the start, but for what could not be kept."""
        return self.found - self.lost - self.expired

    @property
    def waiting(self) -> int:
        """Events on disk that Kafka has not taken yet."""
        return sum(self.held.values())


class Read(NamedTuple):
    """What was read of the spool."""

    batches: list[StoredBatch]
    end: Position
    """To read on from."""


class Spool:
    """Appends batches durably, gives them back oldest first, and lets go of what is settled.

    On the event loop; files are written in a thread of its own and read in asyncio's executor.
    """

    def __init__(self, directory: Path, config: SpoolConfig, machine: Machine = _MACHINE) -> None:
        limits = Limits(config.max_bytes, config.min_free)
        self._segments = Segments(directory, config.segment_bytes, limits, machine)
        self._upkeep = SpoolUpkeep(self._segments, machine, self._post)
        self._log = SegmentLog(self._segments, machine, self._upkeep, self._appended)
        self._machine = machine
        self._reader = Reader(directory, on_skip=self._skipped, files=machine.files)
        self._reading = threading.Lock()
        self._failures = 0
        self._end = BEGINNING
        self._expired: set[int] = set()
        self._stale = False
        self.counts = SpoolCounts()
        self.released = BEGINNING
        """Up to here all is on Kafka or in quarantine."""

    async def start(self) -> None:
        """Lock and recover. Raises `DirectoryInUse`, or `OSError`."""
        self._loop = asyncio.get_running_loop()
        await self._log.start("spool")
        found, counts = self._upkeep.found, self.counts
        counts.torn_bytes, counts.damaged_frames = found.torn_bytes, found.damaged_frames
        counts.held = dict(found.events)
        counts.expired = found.expired
        counts.found = counts.waiting + found.expired
        self.released = found.released
        self._appended()

    async def append(self, batch: Batch) -> None:
        """Return when the batch is durable; raise `SinkError` when it is not."""
        place = await self._log.append(batch)
        self._hold(place.sequence, len(batch.records))
        self.counts.spooled += len(batch.records)

    async def read(self, start: Position, most: int, end: Position | None = None) -> Read:
        """Batches from `start` on, of about `most` bytes together, up to `end`.

        No batches: there are none, or there was only what cannot be read; `Read.end` tells.
        Raises `OSError` when the disk cannot be read just now.
        """
        return await asyncio.to_thread(self._read, start, most, end or self._end)

    def settle(self, sequence: int, replayed: int, quarantined: int) -> None:
        """So many events of a segment are on Kafka, or in quarantine."""
        self.counts.replayed += replayed
        self.counts.quarantined += quarantined
        if sequence in self._expired:
            self.counts.expired -= replayed + quarantined  # it was under way when its file went
        else:
            self._hold(sequence, -replayed - quarantined)

    def release(self, position: Position) -> None:
        """Let go of what lies before a position: all of it is settled, or cannot be read."""
        self.released = self._upkeep.released = position
        if self.read_to_end(position):
            self._reader.close()  # an open file keeps its room on the disk though it is deleted

    async def close(self) -> None:
        """Write what was taken, and let go of the directory."""
        await self._log.close()
        await asyncio.to_thread(self._stop_reading)  # a disk that hangs must not hold up the loop

    def read_to_end(self, position: Position) -> bool:
        """Whether nothing lies behind a position yet."""
        return position >= self._end

    @property
    def oldest(self) -> int | None:
        """About when the oldest event that waits was received; None when none waits."""
        return min(
            (start for start, events in self.counts.held.items() if events > 0), default=None
        )

    @property
    def ready(self) -> bool:
        """Whether it takes batches."""
        return self._log.ready

    @property
    def trouble(self) -> str | None:
        """Why it takes none."""
        trouble = self._log.trouble
        return None if trouble is None else f"the spool: {trouble}"

    def _appended(self) -> None:
        """Read on the loop, not in the thread: what is read then is in the books."""
        self._end = self._log.end
        self.counts.bytes = self._segments.size

    def _hold(self, sequence: int, events: int) -> None:
        held = self.counts.held
        held[sequence] = held.get(sequence, 0) + events

    def _post(self, gone: Gone) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
            self._loop.call_soon_threadsafe(self._gone, gone)

    def _gone(self, gone: Gone) -> None:
        """A segment was deleted: what was not settled of it is lost, or too old."""
        left = self.counts.held.pop(gone.sequence, 0)
        if gone.expired:
            self.counts.expired += left
            self._expired.add(gone.sequence)
            self._stale = True
        else:
            self._lost(gone.sequence, left)
        self.counts.bytes = self._segments.size

    def _lost(self, sequence: int, events: int) -> None:
        self.counts.lost += events
        if events > 0:
            fields = {"segment": sequence, "events": events}
            _log.error("spool: events lost, they cannot be read", extra={"fields": fields})

    def _read(self, start: Position, most: int, end: Position) -> Read:
        """Never lets go of what was read before the disk failed: `Read.end` stands behind it."""
        found: list[StoredBatch] = []
        size = 0
        with self._reading:
            reader = self._reader
            if self._stale:  # what was deleted at 20 days is not read from a file still open
                self._stale = False
                reader.close()
            if reader.position != start:
                reader.move(start)
            reader.strict = self._failures < _TRIES
            reader.over_unopened = not reader.strict
            try:
                for batch in reader.batches(end):
                    found.append(batch)
                    size += batch_bytes(batch)
                    if size >= most:
                        return Read(found, reader.position)
            except OSError:
                self._failures += 1
                reader.close()
                if not found:
                    raise
                return Read(found, reader.position)
        self._failures = 0
        return Read(found, max(end, reader.position))

    def _stop_reading(self) -> None:
        with self._reading:
            self._reader.close()

    def _skipped(self, skipped: Skipped) -> None:
        if skipped.reason is not SkipReason.GONE:  # those we deleted ourselves, and counted
            log_skipped(skipped)
            self._upkeep.damaged.add(skipped.start.sequence)
