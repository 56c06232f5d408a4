"""A file system in memory that forgets what was not synced, fills up, and fails on demand."""

import errno
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

PAGE = 32
"""Bytes that reach the disk together: small, so that a crash tears small frames too."""


@dataclass
class Inode:
    """A file's bytes as processes see them, and as the disk has them."""

    seen: bytearray = field(default_factory=bytearray)
    disk: bytearray = field(default_factory=bytearray)
    dirty: set[int] = field(default_factory=set)

    def touch(self, start: int, end: int) -> None:
        self.dirty.update(range(start // PAGE, (end + PAGE - 1) // PAGE))

    def persist(self, pages: set[int], length: int) -> None:
        """Bring some pages and a length to the disk; pages that are not brought read as zeros."""
        del self.disk[length:]
        self.disk.extend(bytes(length - len(self.disk)))
        for page in pages:
            part = self.seen[page * PAGE : min((page + 1) * PAGE, length)]
            self.disk[page * PAGE : page * PAGE + len(part)] = part

    def crash(self, random: Random) -> None:
        """Any of the dirty pages may have come through, in any order, and any length between."""
        pages = {page for page in self.dirty if random.random() < 0.5}
        lengths = [len(self.disk), len(self.seen), *(page * PAGE for page in pages)]
        low, high = sorted((len(self.disk), len(self.seen)))
        self.persist(pages, min(max(random.choice(lengths), low), high))
        self.seen, self.dirty = bytearray(self.disk), set()


class ForgetfulFiles:
    """One directory of them. Implements `Files`."""

    def __init__(self, capacity: int = 1 << 40) -> None:
        self.capacity = capacity
        self.calls: list[str] = []
        """System calls, in order."""
        self.bytes_read = 0
        self.failing: dict[str, int] = {}
        """Name of a call → error number: it fails once with it."""
        self.powered = True
        """Else each call fails, and does nothing: for who does not know yet that all is over."""
        self._names: dict[str, Inode] = {}
        self._names_on_disk: dict[str, Inode] = {}
        self._open: dict[int, Inode] = {}
        self._descriptors = itertools.count(3)

    # What tests do to it

    def crash(self, random: Random) -> None:
        """Lose power: descriptors, and whatever was not synced and had no luck."""
        for name in self._names.keys() ^ self._names_on_disk.keys():
            if random.random() < 0.5:
                continue
            if name in self._names:
                self._names_on_disk[name] = self._names[name]
            else:
                del self._names_on_disk[name]
        self._names = dict(self._names_on_disk)
        for inode in self._names.values():
            inode.crash(random)
        self._open.clear()
        self.failing.clear()

    @property
    def used(self) -> int:
        """Bytes of all files that have a name."""
        return sum(len(inode.seen) for inode in self._names.values())

    def content(self, name: str) -> bytearray:
        """A file's bytes, to be looked at and changed."""
        return self._names[name].seen

    # What the log asks

    def create(self, path: Path) -> int:
        self._call("create")
        if path.name in self._names:
            raise OSError(errno.EEXIST, "exists")
        self._names[path.name] = inode = Inode()
        return self._descriptor(inode)

    def open(self, path: Path, *, append: bool = False) -> int:
        self._call("open")
        if path.name not in self._names:
            raise FileNotFoundError(errno.ENOENT, "no such file")
        return self._descriptor(self._names[path.name])

    def close(self, descriptor: int) -> None:
        del self._open[descriptor]

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        self._call("write")
        inode, room = self._open[descriptor], self.capacity - self.used
        if room <= 0:
            raise OSError(errno.ENOSPC, "full")
        start = len(inode.seen)
        inode.seen += data[:room]
        inode.touch(start, len(inode.seen))
        return len(inode.seen) - start

    def fdatasync(self, descriptor: int) -> None:
        inode = self._open[descriptor]
        try:
            self._call("fdatasync")
        except OSError:
            # As Linux does it: told once, then the pages are clean, though only some were written.
            inode.persist(
                set(itertools.islice(inode.dirty, len(inode.dirty) // 2)), len(inode.seen)
            )
            inode.dirty = set()
            raise
        inode.persist(inode.dirty, len(inode.seen))
        inode.dirty = set()

    def truncate(self, descriptor: int, length: int) -> None:
        self._call("truncate")
        inode = self._open[descriptor]
        del inode.seen[length:]

    def size(self, descriptor: int) -> int:
        return len(self._open[descriptor].seen)

    def read_at(self, descriptor: int, offset: int, length: int) -> bytes:
        self._call("read_at")
        found = bytes(self._open[descriptor].seen[offset : offset + length])
        self.bytes_read += len(found)
        return found

    def unlink(self, path: Path) -> None:
        self._call("unlink")
        if path.name not in self._names:
            raise FileNotFoundError(errno.ENOENT, "no such file")
        del self._names[path.name]

    def names(self, directory: Path) -> list[str]:
        return list(self._names)

    def sync_directory(self, directory: Path) -> None:
        self._call("sync_directory")
        self._names_on_disk = dict(self._names)

    def make_directory(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)

    def free(self, directory: Path) -> int:
        return self.capacity - self.used

    def _descriptor(self, inode: Inode) -> int:
        descriptor = next(self._descriptors)
        self._open[descriptor] = inode
        return descriptor

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if not self.powered:
            raise OSError(errno.EIO, "no power")
        if name in self.failing:
            number = self.failing.pop(name)
            raise OSError(number, errno.errorcode[number])
