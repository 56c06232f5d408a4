"""CPU time of processes from /proc, and which core they may run on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PPID, _UTIME, _STIME = 1, 11, 12
"""Fields of /proc/PID/stat, counted from the state, which follows the name in brackets."""


def seconds(pid: int) -> float:
    """CPU seconds, user and system, of a process and its children that run now."""
    return sum(_used(_stat(each)) for each in (pid, *_children(pid)))


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Have processes that are started within the block run on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _used(stat: list[str]) -> float:
    return (int(stat[_UTIME]) + int(stat[_STIME])) * _TICK


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def _children(pid: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int(_stat(int(entry.name))[_PPID])
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
            if parent == pid:
                yield int(entry.name)
