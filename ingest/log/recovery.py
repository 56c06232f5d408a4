"""Brings a directory of segments back into order after a crash. Never stops a start."""

import contextlib
import errno
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ingest.log.files import Files
from ingest.log.scan import Damage, Frame, Rest, Window, pieces
from ingest.log.segment import (
    ASIDE,
    FILE_HEAD_BYTES,
    HEAD_BYTES,
    VERSION,
    FileHead,
    Footer,
    SegmentName,
    Tally,
)

_LONGEST_TEAR = 64 * 1024 * 1024
"""Bytes that one write can leave torn at most; more is damage, and is left to be looked at."""
_CHUNK = 1024 * 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that is closed."""

    name: SegmentName
    size: int
    """Bytes of the file."""
    records: int
    newest: int
    """Newest receipt in it, or the end of its day where that cannot be read."""
    damaged: int = 0
    """Records beside those in parts that were found unreadable just now, as far as heads tell."""


@dataclass(slots=True)
class Recovered:
    """What the start found."""

    segments: list[Segment]
    """In order."""
    torn_bytes: int = 0
    """Cut off ends of segments: writes that a crash interrupted, which were never confirmed.

    A disk that loses what it had synced leaves the same, so they are kept beside the segments."""
    damaged_frames: int = 0
    """Parts that no longer read; they stay where they are, readers step over them."""


def segment_names(files: Files, directory: Path) -> list[SegmentName]:
    """Segments of a directory, in order; other files are none of ours."""
    return sorted(filter(None, map(SegmentName.parse, files.names(directory))))


def recover(files: Files, directory: Path) -> Recovered:
    """Read the footers; look through each segment without one, cut its torn end, and close it.

    Only the segment that was open at the crash lacks its footer, or one that a failing disk made
    us give up: the others cost one read each.
    """
    recovered = Recovered([])
    for name in segment_names(files, directory):
        try:
            segment = _Recovery(files, directory, name, recovered).segment()
        except OSError as error:
            _warn("segment cannot be read", name, error=error.strerror)
            segment = Segment(name, 0, 0, name.last_ms)
            recovered.damaged_frames += 1
        if segment is not None:
            recovered.segments.append(segment)
    return recovered


class _Recovery:
    """Of one segment."""

    def __init__(self, files: Files, directory: Path, name: SegmentName, found: Recovered) -> None:
        self._files = files
        self._path = directory / name.file
        self._name = name
        self._found = found

    def segment(self) -> Segment | None:
        """Return it as it now is; None when there was nothing in it."""
        descriptor = self._files.open(self._path, append=True)
        try:
            size = self._files.size(descriptor)
            head = FileHead.decode(self._files.read_at(descriptor, 0, FILE_HEAD_BYTES))
            if head is not None and head.version != VERSION:
                _warn("segment of another version left alone", self._name, version=head.version)
                return Segment(self._name, size, 0, self._name.last_ms)
            footer = self._footer(descriptor, size - HEAD_BYTES)
            if footer is not None:
                return Segment(self._name, size, footer.tally.records, footer.tally.newest)
            return self._look_through(descriptor, size)
        finally:
            self._files.close(descriptor)

    def _footer(self, descriptor: int, offset: int) -> Footer | None:
        if offset < FILE_HEAD_BYTES:
            return None
        return Footer.decode(self._files.read_at(descriptor, offset, HEAD_BYTES), offset)

    def _look_through(self, descriptor: int, size: int) -> Segment | None:
        tally = Tally()
        damage: list[Damage] = []
        end = size
        for piece in pieces(Window(self._files, descriptor), 0):
            if isinstance(piece, Frame):
                tally.add(piece.head.received, piece.head.records)
            elif isinstance(piece, Damage):
                damage.append(piece)
            elif isinstance(piece, Rest):
                end = piece.start
        torn = size - end
        if torn > _LONGEST_TEAR:
            damage.append(Damage(end, size, 0))
            end, torn = size, 0
        if torn > 0 and end >= FILE_HEAD_BYTES and not self._keep(descriptor, end, size):
            damage.append(Damage(end, size, 0))
            end, torn = size, 0
        self._report(torn, damage)
        if not tally.frames and not any(part.start for part in damage):
            self._files.unlink(self._path)
            return None
        return self._close(descriptor, end, torn, tally, sum(part.records for part in damage))

    def _keep(self, descriptor: int, start: int, end: int) -> bool:
        """Copy to a file of its own what is to be cut off; False where that fails."""
        path = self._path.with_name(f"{self._name.file}.{start}-{end}{ASIDE}")
        try:
            copy = self._created(path)
            try:
                for offset in range(start, end, _CHUNK):
                    part = self._files.read_at(descriptor, offset, min(_CHUNK, end - offset))
                    if self._files.write(copy, part) < len(part):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._files.fdatasync(copy)
            finally:
                self._files.close(copy)
            self._files.sync_directory(path.parent)
        except OSError as error:
            _warn("torn end of a segment cannot be kept", self._name, error=error.strerror)
            with contextlib.suppress(OSError):
                self._files.unlink(path)
            return False
        return True

    def _created(self, path: Path) -> int:
        try:
            return self._files.create(path)
        except FileExistsError:  # of a start that was interrupted before it had cut
            self._files.unlink(path)
            return self._files.create(path)

    def _report(self, torn: int, damage: Iterable[Damage]) -> None:
        self._found.torn_bytes += max(torn, 0)
        if torn > 0:
            note = f"kept as {ASIDE}: it was confirmed only if the disk lost what it had synced"
            _warn("torn end of a segment cut off", self._name, bytes=torn, note=note)
        for part in damage:
            self._found.damaged_frames += 1
            _warn(
                "damaged part of a segment is skipped",
                self._name,
                offset=part.start,
                bytes=part.end - part.start,
                records=part.records or "unknown",
            )

    def _close(self, descriptor: int, end: int, torn: int, tally: Tally, damaged: int) -> Segment:
        try:
            if torn > 0:
                self._files.truncate(descriptor, end)
            footer = Footer(end, tally).encode()
            if self._files.write(descriptor, footer) < len(footer):
                self._files.truncate(descriptor, end)
            # Also what a killed process had written and not synced: readers see it from now on.
            self._files.fdatasync(descriptor)
        except OSError as error:  # a full disk, say: looked through again at the next start
            _warn("segment could not be closed", self._name, error=error.strerror)
        newest = tally.newest if tally.frames else self._name.last_ms
        return Segment(self._name, self._files.size(descriptor), tally.records, newest, damaged)


def _warn(event: str, name: SegmentName, **fields: object) -> None:
    _log.warning(event, extra={"fields": {"segment": name.file, **fields}})
