"""A directory of segment files with one writer. Knows no policy: what to delete, others decide.

Everything here runs in one thread, but for what says otherwise.
"""

import contextlib
import logging
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from ingest.log.batch import Batch
from ingest.log.files import is_full
from ingest.log.machine import Machine
from ingest.log.open_segment import OpenSegment
from ingest.log.position import BEGINNING, Position
from ingest.log.records import MAX_RAW, Compressor
from ingest.log.recovery import Recovered, Segment, recover
from ingest.log.room import FAILED_PAUSE, FULL_PAUSE, Limits, Refusals, Room
from ingest.log.segment import VERSION, FileHead, day_of, encode_frame
from ingest.log.sink import RecordRefused, SinkError, SinkFull, SinkUnavailable

Appended = Position | SinkError
"""Where a batch's frame begins, or why it is not confirmed."""
_log = logging.getLogger(__name__)


class Segments:
    """Appends batches, closes segments, deletes them whole.

    Nothing is ever written into a segment that an earlier run left: a position that a reader holds
    never comes to mean something else.
    """

    def __init__(
        self, directory: Path, segment_bytes: int, limits: Limits, machine: Machine
    ) -> None:
        self.directory = directory
        self.refusals = Refusals(machine.monotonic)
        """To be asked in any thread."""
        self._segment_bytes = segment_bytes
        self._machine = machine
        self._files = machine.files
        self._room = Room(limits, lambda: machine.files.free(directory), machine.monotonic)
        self._compressor = Compressor()
        self._closed: dict[int, Segment] = {}
        self._closed_bytes = 0
        self._open: OpenSegment | None = None
        self._last_sequence = 0
        self.end = BEGINNING
        """Behind the last durable frame."""
        self._wanted = 1
        """Bytes of the last frame for which there was no room."""

    def start(self) -> Recovered:
        """Recover what is there. Raises `OSError` when the directory cannot be read."""
        recovered = recover(self._files, self.directory)
        for segment in recovered.segments:
            self._remember(segment)
            self._last_sequence = segment.name.sequence
            self.end = _end(segment)
        return recovered

    @staticmethod
    def check(batch: Batch) -> None:
        """Raises `RecordRefused` when a batch fits no frame. In any thread."""
        if batch.size > MAX_RAW or not batch.records:
            raise RecordRefused(f"a batch of {batch.size} bytes fits no segment")

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        """Make batches durable with one fdatasync; return what became of each, in order.

        The batches have passed `check`. Errors are returned, not raised: neighbours may succeed.
        """
        done: list[Appended] = []
        for received, run in groupby(batches, lambda batch: batch.received):
            done += self._append(list(run), self._machine.clock() if received is None else received)
        return done

    def close_when_due(self, now: int) -> None:
        """Close the open segment when it is long enough, or of another day than `now`.

        Of another day, not of an earlier one: a clock that stood ahead for a while then spoils the
        newest receipt of one segment, not of all that follow.
        """
        segment = self._open
        if segment is None:
            return
        if segment.size >= self._segment_bytes or segment.name.day != day_of(now):
            self.close()

    def close(self) -> None:
        """Close the open segment, if any; the next batch begins another."""
        segment, self._open = self._open, None
        if segment is None:
            return
        try:
            segment.seal()
        except OSError as error:
            _log.warning(
                "segment could not be closed",
                extra={"fields": {"segment": segment.name.file, "error": error.strerror}},
            )
        self._remember(_as_closed(segment))

    def delete(self, sequence: int) -> None:
        """Remove a segment that is closed, or unknown. Raises `OSError`.

        The name's removal is not synced: should a crash undo it, the segment is deleted once more.
        """
        segment = self._closed.get(sequence)
        if segment is None:
            return
        with contextlib.suppress(FileNotFoundError):
            self._files.unlink(self.directory / segment.name.file)
        del self._closed[sequence]
        self._closed_bytes -= segment.size
        self._room.forget()

    def refuse_without_room(self) -> None:
        """Begin to refuse where no write could go through, before one is tried."""
        with contextlib.suppress(OSError):
            if self._room.left(self.size) <= 0:
                self._full()

    def look_for_room(self) -> None:
        """End refusals early where the limits would let a write through again."""
        if self.refusals.any and self.refusals.current() is None:
            with contextlib.suppress(OSError):
                if self._room.left(self.size) >= self._wanted:
                    self.refusals.end()

    @property
    def closed(self) -> tuple[Segment, ...]:
        """Closed segments, in order."""
        return tuple(self._closed.values())

    @property
    def size(self) -> int:
        """Bytes of all segments. In any thread."""
        segment = self._open
        return self._closed_bytes + (segment.size if segment else 0)

    @property
    def files(self) -> int:
        """Segments that are there, the open one included."""
        return len(self._closed) + (self._open is not None)

    def _append(self, batches: Sequence[Batch], received: int) -> list[Appended]:
        """Append batches that were received at the same time."""
        refusal = self.refusals.current()
        if refusal is not None:
            return _each(refusal, len(batches))
        try:
            frames = self._fitting_frames(batches, received)
            segment = self._writable(received) if frames else None
        except OSError as error:
            return _each(self._nothing_written(error), len(batches))
        done: list[Appended] = []
        if segment is not None:
            done = self._write(segment, frames)
            for batch in batches[: len(done)]:
                segment.tally.add(received, len(batch.records))
        if len(done) < len(batches):
            done += _each(self._full(), len(batches) - len(done))
        return done

    def _fitting_frames(self, batches: Sequence[Batch], received: int) -> list[bytes]:
        """Frames of the first batches, as many as the limits have room for."""
        room = self._room.left(self.size)
        if room <= 0:
            return []  # before anything is compressed: a refusal is cheap
        payloads = self._compressor.payloads([batch.records for batch in batches])
        frames = []
        for batch, payload in zip(batches, payloads, strict=True):
            frame = encode_frame(batch.id, received, len(batch.records), payload)
            if len(frame) > room:
                self._wanted = len(frame)
                break
            room -= len(frame)
            frames.append(frame)
        return frames

    def _writable(self, received: int) -> OpenSegment:
        """The open segment, which holds receipts of one UTC day."""
        self.close_when_due(received)
        if self._open is None:
            # Numbers are times, so that one is never used twice, even after all files are gone.
            sequence = max(self._last_sequence + 1, self._machine.clock())
            head = FileHead(VERSION, sequence, self._last_sequence, received)
            self._open = OpenSegment(self._files, self.directory, head)
            self._last_sequence = sequence
        return self._open

    def _write(self, segment: OpenSegment, frames: Sequence[bytes]) -> list[Appended]:
        """Return the places of the frames that are durable, from the first on, or an error each.

        After a failed fdatasync the kernel takes the pages for clean, so that another one would
        succeed without having written them, and what the file holds is anyone's guess (Rebello et
        al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). So the file is given
        up: its frames may yet be found, which is what `SinkError` says, and nothing is added to it.
        Frames confirmed earlier were synced by an fdatasync that succeeded.
        """
        start = segment.size
        try:
            whole = segment.append(frames)
            if whole:
                segment.sync()
        except OSError as error:
            self._give_up(segment, error)
            return _each(SinkError("the disk failed"), len(frames))
        self._room.take(segment.size - start)
        if whole < len(frames):
            self._wanted = len(frames[whole])
        if whole:
            self.end = Position(segment.name.sequence, segment.size)
            self.refusals.end()
        return _places(segment.name.sequence, start, frames[:whole])

    def _give_up(self, segment: OpenSegment, error: OSError) -> None:
        _log.error(
            "disk failed, segment given up",
            extra={"fields": {"segment": segment.name.file, "error": error.strerror}},
        )
        segment.give_up()
        self._open = None
        self._remember(_as_closed(segment))
        self.refusals.begin(SinkUnavailable, "the disk failed a moment ago", FAILED_PAUSE)

    def _nothing_written(self, error: OSError) -> SinkError:
        if is_full(error):
            return self._full()
        why = f"no segment can be begun: {error.strerror}"
        self.refusals.begin(SinkUnavailable, why, FAILED_PAUSE)
        return SinkUnavailable(why)

    def _full(self) -> SinkFull:
        why = "no room for segments"
        self.refusals.begin(SinkFull, why, FULL_PAUSE)
        self._room.forget()
        return SinkFull(why)

    def _remember(self, segment: Segment) -> None:
        self._closed[segment.name.sequence] = segment
        self._closed_bytes += segment.size


def _end(segment: Segment) -> Position:
    """Behind all of it, also where its length is not known: it may be readable later."""
    sequence = segment.name.sequence
    return Position(sequence, segment.size) if segment.size else Position(sequence + 1, 0)


def _as_closed(segment: OpenSegment) -> Segment:
    tally = segment.tally
    newest = tally.newest if tally.frames else segment.name.last_ms
    return Segment(segment.name, segment.size, tally.records, newest)


def _places(sequence: int, start: int, frames: Sequence[bytes]) -> list[Appended]:
    places: list[Appended] = []
    for frame in frames:
        places.append(Position(sequence, start))
        start += len(frame)
    return places


def _each(error: SinkError, count: int) -> list[Appended]:
    """One error object for each who waits: a raised one collects tracebacks."""
    return [type(error)(*error.args) for _ in range(count)]
