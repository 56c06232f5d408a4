"""A note of how far the replay has come: a start goes on from there, and repeats nothing.

A hint and no more, written without a sync: where it is missing or behind, events are replayed once
more, and appear twice; it is never ahead of what was acknowledged.
"""

from pathlib import Path

from ingest.log.files import Files
from ingest.log.position import BEGINNING, Position
from ingest.log.scan import Frame, Window, pieces

_NAME = "replayed"


def note_replayed(directory: Path, position: Position) -> None:
    """Write the note. Raises `OSError`."""
    path = directory / _NAME
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{position}\n", encoding="ascii")
    fresh.replace(path)


def read_replayed(directory: Path) -> Position:
    """Read the note; the beginning where there is none, or none that can be read."""
    try:
        return Position.parse((directory / _NAME).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return BEGINNING


def forget_replayed(directory: Path) -> None:
    """Have no note. Durable before anything new is confirmed: a segment's first sync sees to it.

    Raises `OSError`.
    """
    (directory / _NAME).unlink(missing_ok=True)


def events_before(files: Files, path: Path, position: Position) -> int:
    """Events in a segment's file before a position in it. Raises `OSError`."""
    descriptor = files.open(path)
    try:
        events = 0
        for piece in pieces(Window(files, descriptor), 0):
            if isinstance(piece, Frame):
                if piece.start >= position.offset:
                    break
                events += piece.head.records
        return events
    finally:
        files.close(descriptor)
