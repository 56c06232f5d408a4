"""What the log asks of a file system: tests pass one that forgets, fills up or fails."""

import contextlib
import errno
import os
from pathlib import Path
from typing import Protocol

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_MODE = 0o640  # events are for the operator and whom he puts into the group, for nobody else


class Files(Protocol):
    """A file system. Every method raises `OSError` as the system call does."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist yet; writes go to its end. Return its descriptor."""

    def open(self, path: Path, *, append: bool = False) -> int:
        """Open a file for reading, or for reading and writing at its end."""

    def close(self, descriptor: int) -> None:
        """Let go of a descriptor."""

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Append; return how many bytes were taken, which may be fewer on a full disk."""

    def fdatasync(self, descriptor: int) -> None:
        """Return once the file's data, and the length needed to read it, are on the disk."""

    def truncate(self, descriptor: int, length: int) -> None:
        """Cut a file to `length` bytes."""

    def size(self, descriptor: int) -> int:
        """Length of a file in bytes."""

    def read_at(self, descriptor: int, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on; fewer at the end of the file."""

    def unlink(self, path: Path) -> None:
        """Remove a file's name; its room is free once nobody has it open."""

    def names(self, directory: Path) -> list[str]:
        """Names in a directory, in no order."""

    def sync_directory(self, directory: Path) -> None:
        """Return once the names in a directory are on the disk."""

    def make_directory(self, directory: Path) -> None:
        """Make a directory and its parents, durably, where they are missing."""

    def free(self, directory: Path) -> int:
        """Bytes that we may still write on the directory's disk."""


class OsFiles:
    """The file system of this machine."""

    def create(self, path: Path) -> int:
        """Open with O_EXCL: a segment is never written into a file that was there."""
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND, _MODE)

    def open(self, path: Path, *, append: bool = False) -> int:
        """Open for reading, or for reading and appending."""
        return os.open(path, os.O_RDWR | os.O_APPEND if append else os.O_RDONLY)

    def close(self, descriptor: int) -> None:
        """Call close(2)."""
        os.close(descriptor)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Call write(2)."""
        return os.write(descriptor, data)

    def fdatasync(self, descriptor: int) -> None:
        """Call fdatasync(2)."""
        os.fdatasync(descriptor)

    def truncate(self, descriptor: int, length: int) -> None:
        """Call ftruncate(2)."""
        os.ftruncate(descriptor, length)

    def size(self, descriptor: int) -> int:
        """Ask fstat(2)."""
        return os.fstat(descriptor).st_size

    def read_at(self, descriptor: int, offset: int, length: int) -> bytes:
        """Call pread(2)."""
        return os.pread(descriptor, length, offset)

    def unlink(self, path: Path) -> None:
        """Call unlink(2)."""
        path.unlink()

    def names(self, directory: Path) -> list[str]:
        """List a directory."""
        return os.listdir(directory)  # noqa: PTH208 — names, not paths, and five times as fast

    def sync_directory(self, directory: Path) -> None:
        """Call fsync(2) on the directory: a file's own fdatasync does not cover its name."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def make_directory(self, directory: Path) -> None:
        """Make the missing ones from the top down, each name synced in its parent.

        The last that is there may have been made just before a crash: its name is synced, too.
        """
        if directory.is_dir():
            with contextlib.suppress(OSError):  # a parent that we may not read was not made by us
                self.sync_directory(directory.parent)
            return
        self.make_directory(directory.parent)
        directory.mkdir(exist_ok=True)
        self.sync_directory(directory.parent)

    def free(self, directory: Path) -> int:
        """Ask statvfs(3) for what is free to us, without the blocks kept for root."""
        disk = os.statvfs(directory)
        return disk.f_bavail * disk.f_frsize


def is_full(error: OSError) -> bool:
    """Whether a system call failed for want of room (disk or quota)."""
    return error.errno in _NO_ROOM
