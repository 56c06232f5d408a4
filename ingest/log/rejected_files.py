"""Rejected events in files here: JSON lines, bounded in bytes and in age."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Self

from ingest.config import LONGEST_DAYS

_PARTS = 4
"""Files that share `max_bytes`: one being written, and the oldest of the others goes first."""
_MODE = 0o640
_SUFFIX = ".jsonl"


class FileName(NamedTuple):
    """`2024-11-24-0001.jsonl`: the UTC day on which it was written, and a number within the day."""

    day: date
    number: int

    def __str__(self) -> str:
        return f"{self.day}-{self.number:04d}{_SUFFIX}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Read a file's name; None for a file that is none of ours."""
        day, _, number = name.removesuffix(_SUFFIX).rpartition("-")
        try:
            made = cls(date.fromisoformat(day), int(number))
        except ValueError:
            return None
        return made if str(made) == name else None


def rejected_files(directory: Path) -> list[FileName]:
    """The files there are, oldest first. Raises `OSError` when there is no such directory."""
    names = (FileName.parse(name.name) for name in directory.iterdir())
    return sorted(name for name in names if name is not None)


class RejectedFiles:
    """Writes them. For one thread at a time. Nothing is synced: these are best effort."""

    def __init__(self, directory: Path, max_bytes: int, clock: Callable[[], int]) -> None:
        """`clock` gives epoch milliseconds."""
        self._directory = directory
        self._max_bytes = max_bytes
        self._part = max_bytes // _PARTS
        self._clock = clock
        self._name: FileName | None = None
        self._descriptor = -1
        self._size = 0

    def write(self, lines: Sequence[bytes]) -> int:
        """Append events, one a line; return how many were too long for the bounds, and left out.

        Raises `OSError`.
        """
        today, ready, left_out = self._today(), bytearray(), 0
        for line in lines:
            length = len(line) + 1
            if length > self._part:
                left_out += 1
                continue
            full = self._size + len(ready) + length > self._part
            if full or self._name is None or self._name.day != today:
                self._append(ready)
                self._begin(today)
            ready += line
            ready += b"\n"
        self._append(ready)
        return left_out

    def tidy(self) -> None:
        """Delete what was written 20 days ago. Raises `OSError`."""
        if not self._directory.is_dir():
            return  # nothing was ever rejected
        oldest = self._today() - timedelta(days=LONGEST_DAYS - 1)
        for name in rejected_files(self._directory):
            if name.day < oldest:
                self._delete(name)

    def close(self) -> None:
        """Let go of the file that is open."""
        if self._name is not None:
            os.close(self._descriptor)
            self._name = None

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock() / 1000, UTC).date()

    def _append(self, data: bytearray) -> None:
        while data:
            written = os.write(self._descriptor, data)
            self._size += written
            del data[:written]

    def _begin(self, day: date) -> None:
        """Have a new file open. Never an old one: its last line may be torn."""
        self.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        self.tidy()
        files = self._make_room(rejected_files(self._directory))
        number = max((name.number for name in files if name.day == day), default=0) + 1
        name, flags = FileName(day, number), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND
        self._descriptor = os.open(self._directory / str(name), flags, _MODE)
        self._name, self._size = name, 0

    def _make_room(self, files: list[FileName]) -> list[FileName]:
        sizes = {name: (self._directory / str(name)).stat().st_size for name in files}
        total = sum(sizes.values())
        for name in files:
            if total <= self._max_bytes - self._part:
                break
            self._delete(name)
            total -= sizes[name]
        return files

    def _delete(self, name: FileName) -> None:
        if name == self._name:
            self.close()
        (self._directory / str(name)).unlink(missing_ok=True)
