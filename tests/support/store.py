"""What segment files hold, for tests that search them."""

from pathlib import Path

from ingest.log.files import OsFiles
from ingest.log.records import Decompressor
from ingest.log.scan import Damage, Frame, Window, pieces

SEGMENT_SUFFIX = ".seg"


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
