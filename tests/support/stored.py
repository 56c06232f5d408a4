"""Batches and directories of segments for tests."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ingest.log.batch import Batch, Record
from ingest.log.files import Files
from ingest.log.machine import Machine
from ingest.log.position import BEGINNING, Position
from ingest.log.reader import Reader, Skipped
from ingest.log.room import Limits
from ingest.log.segments import Segments

NOON = 1_732_449_600_000
"""2024-11-24 12:00 UTC in epoch milliseconds."""
HOUR = 3_600_000
UNLIMITED = Limits(1 << 40, 0)


class Clock:
    """Both clocks of a machine, set by hand."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now
        self.seconds = 0.0

    def machine(self, files: Files) -> Machine:
        return Machine(files, lambda: self.now, lambda: self.seconds)

    def advance(self, milliseconds: int) -> None:
        """Let time go by on both clocks."""
        self.now += milliseconds
        self.seconds += milliseconds / 1000


def batch(number: int, records: int = 2, length: int = 40) -> Batch:
    """A batch that `number` identifies; its values can hardly be compressed."""
    made = Batch(number.to_bytes(16), 0, 0.0)
    for index in range(records):
        seed = f"{number}/{index}".encode()
        value = hashlib.shake_256(seed).digest(length)
        made.add(Record(b"site.example", value, NOON + index), lambda _: None)
    return made


def batches(numbers: Sequence[int], records: int = 2, length: int = 40) -> list[Batch]:
    """Batches of those numbers."""
    return [batch(number, records, length) for number in numbers]


def number(batch_id: bytes) -> int:
    """The number of a batch that `batch` made."""
    return int.from_bytes(batch_id)


def segments(
    directory: Path,
    clock: Clock,
    files: Files,
    limits: Limits = UNLIMITED,
    segment_bytes: int = 64 * 1024 * 1024,
) -> Segments:
    """Segments that have started."""
    made = Segments(directory, segment_bytes, limits, clock.machine(files))
    made.start()
    return made


def stored(
    directory: Path, files: Files | None = None, position: Position = BEGINNING
) -> tuple[list[int], list[Skipped]]:
    """Numbers of the batches that a reader finds, and what it stepped over."""
    skipped: list[Skipped] = []
    with Reader(directory, position, skipped.append, files) as reader:
        return [number(found.id) for found in reader.batches()], skipped
