"""Walks through the frames of one file, over damaged parts, in bounded memory."""

from collections.abc import Iterator
from typing import NamedTuple

from ingest.log.files import Files
from ingest.log.segment import (
    FILE_HEAD_BYTES,
    HEAD_BYTES,
    MARKER,
    FileHead,
    Footer,
    FrameHead,
    checksum,
)

_CHUNK = 256 * 1024


class Frame(NamedTuple):
    """A frame whose checksums are right."""

    start: int
    end: int
    head: FrameHead
    payload: bytes


class Damage(NamedTuple):
    """Bytes within a file that are no readable frame."""

    start: int
    end: int
    records: int
    """Records lost, where a readable head tells; else 0."""


class Rest(NamedTuple):
    """Bytes at the end of a file that are no whole frame: torn, or still being written."""

    start: int
    end: int


class End(NamedTuple):
    """The footer of a closed segment."""

    start: int
    footer: Footer


Piece = Frame | Damage | Rest | End


class Window:
    """Reads a file through one buffer: few system calls, bounded memory."""

    def __init__(self, files: Files, descriptor: int) -> None:
        self._files = files
        self._descriptor = descriptor
        self._start = 0
        self._buffer = b""

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on; fewer only at the end of the file."""
        begin = offset - self._start
        if begin >= 0 and begin + length <= len(self._buffer):
            return self._buffer[begin : begin + length]
        self._start = offset
        self._buffer = self._files.read_at(self._descriptor, offset, max(length, _CHUNK))
        return self._buffer[:length]

    def find(self, marker: bytes, offset: int) -> int | None:
        """Where `marker` next stands at or behind `offset`."""
        while len(chunk := self.read(offset, _CHUNK)) >= len(marker):
            if (at := chunk.find(marker)) >= 0:
                return offset + at
            offset += len(chunk) - len(marker) + 1
        return None

    def forget(self) -> None:
        """Read anew: what is buffered may be older than the file."""
        self._buffer = b""

    @property
    def size(self) -> int:
        """Bytes of the file now."""
        return self._files.size(self._descriptor)


def file_head(window: Window) -> FileHead | None:
    """Read the beginning of a file; None when it is damaged or incomplete."""
    return FileHead.decode(window.read(0, FILE_HEAD_BYTES))


def pieces(window: Window, offset: int) -> Iterator[Piece]:
    """Yield what stands from `offset` on, up to one `Rest` or `End`, which comes last.

    A head has a checksum of its own, so the length in it can be believed: a bad payload costs its
    frame alone. Behind a bad head the next marker with a good one is looked for. Payloads are
    compressed and heads checked: 64 bits must agree by chance to take one for the other.
    """
    if offset < FILE_HEAD_BYTES:
        damaged = _damaged_file_head(window)
        if damaged is not None:
            yield damaged
            if isinstance(damaged, Rest):
                return
        offset = FILE_HEAD_BYTES
    while True:
        piece = _piece(window, offset)
        if isinstance(piece, Rest | Damage):
            # A full disk makes the writer cut a part of a frame off and write another in its
            # place: what was buffered before is then neither. The file itself decides.
            window.forget()
            piece = _piece(window, offset)
        if isinstance(piece, Rest) and _is_bad_head(window, offset):
            piece = _resume(window, piece)
        yield piece
        if isinstance(piece, Rest | End):
            return
        offset = piece.end


def _damaged_file_head(window: Window) -> Damage | Rest | None:
    if file_head(window) is not None:
        return None
    size = window.size  # asked before another look: the head may be written between the two
    window.forget()
    if file_head(window) is not None:
        return None
    return Damage(0, FILE_HEAD_BYTES, 0) if size >= FILE_HEAD_BYTES else Rest(0, size)


def _piece(window: Window, start: int) -> Piece:
    data = window.read(start, HEAD_BYTES)
    head = FrameHead.decode(data)
    if head is None:
        footer = Footer.decode(data, start)
        return End(start, footer) if footer else Rest(start, max(start, window.size))
    end = start + HEAD_BYTES + head.length
    payload = window.read(start + HEAD_BYTES, head.length)
    if len(payload) < head.length:
        return Rest(start, window.size)
    if checksum(payload) != head.payload_crc:
        return Damage(start, end, head.records)
    return Frame(start, end, head, payload)


def _is_bad_head(window: Window, start: int) -> bool:
    data = window.read(start, HEAD_BYTES)
    return len(data) == HEAD_BYTES and FrameHead.decode(data) is None


def _resume(window: Window, rest: Rest) -> Damage | Rest:
    at = rest.start
    while (found := window.find(MARKER, at + 1)) is not None:
        data = window.read(found, HEAD_BYTES)
        if FrameHead.decode(data) or Footer.decode(data, found):
            return Damage(rest.start, found, 0)
        at = found
    return rest
