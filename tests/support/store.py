"""What segment files hold, for tests that search them."""

import json
from pathlib import Path
from typing import NamedTuple

from ingest.log.files import OsFiles
from ingest.log.records import Decompressor
from ingest.log.scan import Damage, Frame, Window, pieces

SEGMENT_SUFFIX = ".seg"


class StoredFrame(NamedTuple):
    """Where a batch stands in its file, and the ids of its events."""

    start: int
    end: int
    ids: frozenset[str]


def frames(file: Path) -> list[StoredFrame]:
    """Whole frames of a segment file of events, in order."""
    files, decompressor = OsFiles(), Decompressor()
    descriptor = files.open(file)
    found: list[StoredFrame] = []
    try:
        for piece in pieces(Window(files, descriptor), 0):
            if isinstance(piece, Frame):
                records = decompressor.records(piece.payload, piece.head.records)
                ids = frozenset(json.loads(record.value)["id"] for record in records)
                found.append(StoredFrame(piece.start, piece.end, ids))
    finally:
        files.close(descriptor)
    return found


def segment_files(directory: Path) -> list[Path]:
    """Segment files, oldest first."""
    return sorted(directory.glob(f"*{SEGMENT_SUFFIX}"))


def flip(file: Path, offset: int) -> None:
    """Change the byte at `offset`."""
    with file.open("r+b") as opened:
        opened.seek(offset)
        (byte,) = opened.read(1)
        opened.seek(offset)
        opened.write(bytes([byte ^ 0xFF]))


def decompressed(file: Path) -> bytes:
    """Keys and values of all records in a segment file, one a line.

    An end that is just being written is left out; a damaged part fails the test.
    """
    files, decompressor = OsFiles(), Decompressor()
    descriptor = files.open(file)
    parts: list[bytes] = []
    try:
        for piece in pieces(Window(files, descriptor), 0):
            assert not isinstance(piece, Damage), f"{file.name} is damaged: {piece}"
            if isinstance(piece, Frame):
                for record in decompressor.records(piece.payload, piece.head.records):
                    parts += (record.key, record.value)
    finally:
        files.close(descriptor)
    return b"\n".join(parts)
