"""What the spool's thread does beside appending: what may go, goes; what was replayed is noted."""

import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.config import LONGEST_DAYS
from ingest.log.machine import Machine
from ingest.log.position import BEGINNING, Position
from ingest.log.recovery import Recovered, Segment, segment_names
from ingest.log.replayed import (
    events_before,
    forget_replayed,
    note_replayed,
    read_replayed,
)
from ingest.log.retention import expired, sweep
from ingest.log.segment import ASIDE, SegmentName, day_of
from ingest.log.segments import Segments

_TIDY = 0.1
"""Seconds between looks for what may go, while anything is there."""
_IDLE_TIDY = 60.0
_AGAIN = ".again"
"""The operator's ending for a segment set aside that is to be tried again at the next start."""
_log = logging.getLogger(__name__)


class Gone(NamedTuple):
    """A segment that was deleted."""

    sequence: int
    expired: bool
    """At 20 days; else because all in it was settled, or could not be read."""


@dataclass(slots=True)
class Found:
    """What the start found in the spool."""

    events: dict[int, int] = field(default_factory=dict)
    """That wait, by the number of their segment."""
    released: Position = BEGINNING
    """Up to here an earlier run brought all of it over."""
    expired: int = 0
    """Events that were too old already, and were deleted."""
    torn_bytes: int = 0
    damaged_frames: int = 0


class SpoolUpkeep:
    """Deletes segments that are done, and those that are too old. Implements `Upkeep`."""

    def __init__(
        self, segments: Segments, machine: Machine, on_gone: Callable[[Gone], None]
    ) -> None:
        """`on_gone` is called in the thread."""
        self.found = Found()
        self.released = BEGINNING
        """Up to here all is settled. Written by the loop, read by the thread."""
        self.damaged: set[int] = set()
        """Segments of which a part could not be read: set aside, not deleted."""
        self._segments = segments
        self._machine = machine
        self._on_gone = on_gone
        self._noted = BEGINNING
        self._swept = -1
        self._again: set[int] = set()

    def locked(self) -> None:
        """Take in what the operator wants tried again.

        As the newest: under its old number it would be behind what was released, and be deleted.
        """
        directory = self._segments.directory
        for path in sorted(directory.glob(f"*{_AGAIN}")):
            name = SegmentName.parse(path.name.removesuffix(_AGAIN))
            if name is None:
                continue
            there = segment_names(self._machine.files, directory)
            behind = [other.sequence + 1 for other in there]
            fresh = SegmentName(max([self._machine.clock(), *behind]), name.day)
            with contextlib.suppress(OSError):  # it stays for the next start
                path.rename(directory / fresh.file)
                self._again.add(fresh.sequence)
                fields = {"was": path.name, "segment": fresh.file}
                _log.warning("spool: segment is tried again", extra={"fields": fields})

    def recovered(self, found: Recovered) -> None:
        """Find out what waits."""
        self.damaged.update(part.name.sequence for part in found.segments if not part.records)
        released = self._released(found)
        left = [part for part in found.segments if part.name.sequence >= released.sequence]
        events = {part.name.sequence: part.records + part.damaged for part in left}
        if released.sequence in events:
            events[released.sequence] -= self._before(released, found)
        self.released = self._noted = released
        # Before anything is read: what came of age while nothing ran is not sent either.
        old = self._delete_expired(left, self._machine.clock())
        too_old = sum(events.pop(sequence) for sequence in old)
        self.found = Found(events, released, too_old, found.torn_bytes, found.damaged_frames)
        if waiting := sum(events.values()):
            fields = {"events": waiting, "segments": len(found.segments)}
            _log.info("events wait in the spool", extra={"fields": fields})

    def appended(self) -> None:
        """Nothing to note."""

    def tidy(self) -> float:
        """Let go of what may go."""
        now = self._machine.clock()
        if day_of(now) != self._swept:
            self._swept = day_of(now)
            for ending in (ASIDE, _AGAIN):
                sweep(self._segments.directory, now, ending)
        if self._segments.files:
            self._let_go(now)
        self._note()
        busy = self._segments.files or self._segments.refusals.any
        return _TIDY if busy else _IDLE_TIDY

    def closed(self) -> None:
        """Leave word of how far the replay has come."""
        self._note()

    def _before(self, released: Position, found: Recovered) -> int:
        (name,) = (s.name for s in found.segments if s.name.sequence == released.sequence)
        path = self._segments.directory / name.file
        try:
            return events_before(self._machine.files, path, released)
        except OSError as error:
            fields = {"segment": name.file, "error": error.strerror}
            _log.warning("spool: segment cannot be read", extra={"fields": fields})
            return 0  # what is missing in the end is counted as lost

    def _released(self, found: Recovered) -> Position:
        """Where the last run's note says; the beginning where it is none for what is there.

        Behind all that is there it would be ahead of new segments too, should the clock have been
        set back: their numbers are times. It is not kept either: once the clock has caught up, a
        later start would believe it.
        """
        noted = read_replayed(self._segments.directory)
        there = [segment.name.sequence for segment in found.segments]
        there = [sequence for sequence in there if sequence not in self._again]
        if there and noted.sequence <= there[-1]:
            return noted
        forget_replayed(self._segments.directory)
        return BEGINNING

    def _note(self) -> None:
        if self.released != self._noted:
            released = self.released
            with contextlib.suppress(OSError):  # then more is replayed than need be
                note_replayed(self._segments.directory, released)
                self._noted = released

    def _let_go(self, now: int) -> None:
        segments = self._segments
        if self.released >= segments.end:
            segments.close()  # all of it is settled: also the file that was open may go
        segments.close_when_due(now)  # so that one in which nothing is written comes of age too
        for segment in segments.closed:
            if self._is_done(segment) and self._delete(segment):
                self._on_gone(Gone(segment.name.sequence, expired=False))
        for sequence in self._delete_expired(segments.closed, now):
            self._on_gone(Gone(sequence, expired=True))

    def _delete_expired(self, segments: Iterable[Segment], now: int) -> list[int]:
        deleted = []
        for segment in expired(segments, now, LONGEST_DAYS):
            if self._delete(segment):
                fields = {"segment": segment.name.file, "events": segment.records}
                _log.error("spool: deleted at 20 days, never on Kafka", extra={"fields": fields})
                deleted.append(segment.name.sequence)
        return deleted

    def _is_done(self, segment: Segment) -> bool:
        sequence = segment.name.sequence
        return sequence < self.released.sequence or self.released >= self._segments.end

    def _delete(self, segment: Segment) -> bool:
        sequence = segment.name.sequence
        with contextlib.suppress(OSError):  # tried again soon
            if sequence in self.damaged:
                self._set_aside(segment)
            self._segments.delete(sequence)
            self.damaged.discard(sequence)
            return True
        return False

    def _set_aside(self, segment: Segment) -> None:
        path = self._segments.directory / segment.name.file
        with contextlib.suppress(FileNotFoundError):
            path.rename(path.with_name(path.name + ASIDE))
            fields = {"segment": path.name + ASIDE}
            _log.error("spool: segment that cannot be read set aside", extra={"fields": fields})
