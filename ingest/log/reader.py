"""Reads segments from a position on: closed ones, and the one that is being written.

Needs no lock and no word with the writer. It sees whole frames that were written; those of the last
moment may not be synced yet: a reader in the writer's process passes the writer's `end` as `until`.
"""

import errno
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from ingest.log.batch import Record
from ingest.log.files import Files, OsFiles
from ingest.log.position import BEGINNING, Position
from ingest.log.records import BadPayload, Decompressor
from ingest.log.recovery import segment_names
from ingest.log.scan import Damage, Frame, Piece, Rest, Window, file_head, pieces
from ingest.log.segment import VERSION, SegmentName

_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors that are no fault of the file: it will be opened later."""
_log = logging.getLogger(__name__)


class StoredBatch(NamedTuple):
    """A batch as it was appended."""

    id: bytes
    received: int
    """When it was appended, in epoch milliseconds."""
    records: tuple[Record, ...]
    start: Position
    end: Position
    """To go on behind it."""


def batch_bytes(batch: StoredBatch) -> int:
    """Bytes of a batch's keys and values."""
    return sum(len(record.key) + len(record.value) for record in batch.records)


class SkipReason(Enum):
    """Why a reader stepped over something."""

    GONE = "deleted before it was read"
    DAMAGED = "damaged"
    FOREIGN = "of another version of the format"


@dataclass(frozen=True, slots=True)
class Skipped:
    """What a reader stepped over."""

    reason: SkipReason
    start: Position
    end: Position
    records: int = 0
    """Records lost, where that can be told; else 0."""


def log_skipped(skipped: Skipped) -> None:
    """Say it in the log."""
    fields = {
        "reason": skipped.reason.value,
        "from": str(skipped.start),
        "to": str(skipped.end),
        "records": skipped.records or "unknown",
    }
    _log.warning("reader skipped a part of the log", extra={"fields": fields})


class Reader:
    """Reads one directory. Memory: one batch and a buffer. For one thread at a time."""

    def __init__(
        self,
        directory: Path,
        position: Position = BEGINNING,
        on_skip: Callable[[Skipped], None] = log_skipped,
        files: Files | None = None,
    ) -> None:
        self.position = position
        """Behind the last batch handed out or skipped."""
        self.strict = False
        """Whether a disk that cannot be read raises `OSError`, instead of being stepped over."""
        self.over_unopened = False
        """Whether a segment that cannot be opened is stepped over, instead of raising `OSError`."""
        self._directory = directory
        self._on_skip = on_skip
        self._files = files or OsFiles()
        self._decompressor = Decompressor()
        self._name: SegmentName | None = None
        self._descriptor = -1
        self._left: Position | None = None
        self._rest: Rest | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def move(self, position: Position) -> None:
        """Read on from elsewhere."""
        if self._name is not None and self._name.sequence != position.sequence:
            self.close()
        self._left = self._rest = None
        self.position = position

    def close(self) -> None:
        """Let go of the file that is open."""
        if self._name is not None:
            self._files.close(self._descriptor)
            self._name = None

    def read(self, limit: int, until: Position | None = None) -> list[StoredBatch]:
        """Up to `limit` batches."""
        return list(islice(self.batches(until), limit))

    def batches(self, until: Position | None = None) -> Iterator[StoredBatch]:
        """Yield what is there now, up to `until`; call it again for what comes later.

        Raises `OSError` when the directory cannot be listed or a segment not be opened.
        """
        while until is None or self.position < until:
            # Listed before reading: a segment that others follow then is not written any more.
            names = self._names(until)
            if not self._enter(names):
                return
            yield from self._segment(until)
            if until is not None and self.position >= until:
                return  # there may be more in this segment, for the next call
            following = _first(names, self.position.sequence + 1)
            if following is None:
                return
            self._leave(following)

    def follow(self, wait: Callable[[], bool]) -> Iterator[StoredBatch]:
        """Yield what is there and what comes. `wait` sleeps, and says whether to look again."""
        while True:
            yield from self.batches()
            if not wait():
                return

    def skip_to_end(self) -> None:
        """Go behind the last whole frame that is there now."""
        names = segment_names(self._files, self._directory)
        if names and names[-1].sequence >= self.position.sequence:
            self._left = None
            self.position = Position(names[-1].sequence, 0)
            if self._enter(names):
                for piece in self._pieces(Window(self._files, self._descriptor)):
                    self.position = Position(self.position.sequence, _end(piece))

    def _names(self, until: Position | None) -> list[SegmentName]:
        if self._name is not None and until is not None and until.sequence == self._name.sequence:
            return []  # no need: we do not leave this segment
        # A listing may show a file made during it and not one made a moment earlier: readdir(3)
        # promises neither. All that came before the first listing's last name stand in the second.
        seen = segment_names(self._files, self._directory)
        again = segment_names(self._files, self._directory)
        return [name for name in again if name <= seen[-1]] if seen else []

    def _enter(self, names: Sequence[SegmentName]) -> bool:
        """Have the position's segment open, or the next there is; False when there is none."""
        if self._name is not None and self._name.sequence == self.position.sequence:
            return True
        self.close()
        name = _first(names, self.position.sequence)
        if name is None:
            return False
        if name.sequence != self.position.sequence:
            self._gone(self.position, name.sequence)
            self.position = Position(name.sequence, 0)
        try:
            self._descriptor = self._files.open(self._directory / name.file)
        except FileNotFoundError:  # deleted since it was listed
            return self._enter(names[names.index(name) + 1 :])
        except OSError as error:
            if not self.over_unopened or error.errno in _OURS:
                raise
            behind = Position(name.sequence + 1, 0)
            self._on_skip(Skipped(SkipReason.DAMAGED, self.position, behind))
            self.position = behind
            return self._enter(names[names.index(name) + 1 :])
        self._name = name
        return True

    def _leave(self, following: SegmentName) -> None:
        if self._rest is not None and self._rest.end > self._rest.start:
            self._skip(SkipReason.DAMAGED, self._rest.end)
        self._left = self.position
        self.position = Position(following.sequence, 0)

    def _segment(self, until: Position | None) -> Iterator[StoredBatch]:
        window = Window(self._files, self._descriptor)
        if self.position.offset == 0 and not self._begin(window):
            return
        for piece in self._pieces(window):
            if isinstance(piece, Frame):
                batch = self._batch(piece)
                if batch is not None:
                    yield batch
            elif isinstance(piece, Damage):
                self._skip(SkipReason.DAMAGED, piece.end, piece.records)
            if until is not None and self.position >= until:
                return

    def _begin(self, window: Window) -> bool:
        """Look at a file's head; False when the file is none for us."""
        head, left = file_head(window), self._left
        if head is None:
            return True  # damaged, which costs no batch, or just being written
        if head.version != VERSION:
            self._skip(SkipReason.FOREIGN, window.size)
            return False
        if left is not None and head.previous != left.sequence:
            self._gone(left, self.position.sequence)
        self._left = None
        return True

    def _pieces(self, window: Window) -> Iterator[Piece]:
        self._rest = None
        try:
            for piece in pieces(window, self.position.offset):
                if isinstance(piece, Rest):
                    self._rest = piece
                yield piece
        except OSError:  # a bad sector: what lies behind it in this file is given up
            if self.strict:
                raise
            yield Damage(self.position.offset, max(window.size, self.position.offset), 0)

    def _batch(self, frame: Frame) -> StoredBatch | None:
        head, start = frame.head, Position(self.position.sequence, frame.start)
        end = Position(start.sequence, frame.end)
        try:
            records = self._decompressor.records(frame.payload, head.records)
        except BadPayload:
            self._skip(SkipReason.DAMAGED, frame.end, head.records)
            return None
        self.position = end
        return StoredBatch(head.batch_id, head.received, records, start, end)

    def _skip(self, reason: SkipReason, end: int, records: int = 0) -> None:
        start, self.position = self.position, Position(self.position.sequence, end)
        self._on_skip(Skipped(reason, start, self.position, records))

    def _gone(self, start: Position, sequence: int) -> None:
        self._left = None
        if start != BEGINNING:
            self._on_skip(Skipped(SkipReason.GONE, start, Position(sequence, 0)))


def _first(names: Sequence[SegmentName], sequence: int) -> SegmentName | None:
    return next((name for name in names if name.sequence >= sequence), None)


def _end(piece: Piece) -> int:
    return piece.end if isinstance(piece, Frame | Damage) else piece.start
