"""CPU time and memory of processes from /proc, and which core they may run on."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PPID, _UTIME, _STIME = 1, 11, 12
"""Fields of /proc/PID/stat, counted from the state, which follows the name in brackets."""


def seconds(pid: int) -> float:
    """CPU seconds, user and system, of a process and its children that run now."""
    return sum(map(_used, (pid, *_children(pid))))


def resident(pid: int) -> int:
    """Bytes of memory of a process and its children; what they share counts for each."""
    return sum(map(_resident, (pid, *_children(pid))))


class Stopwatch:
    """CPU and wall seconds of this process, all its threads, since it was made."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    @property
    def cpu(self) -> float:
        """User and system."""
        return time.process_time() - self._cpu

    @property
    def wall(self) -> float:
        """By the clock."""
        return time.perf_counter() - self._wall


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Have processes that are started within the block run on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _used(pid: int) -> float:
    """By ticks of 10 ms; or by ns, which are told only of the threads that have not ended."""
    stat = _stat(pid)
    ticks = (int(stat[_UTIME]) + int(stat[_STIME])) * _TICK
    return max(ticks, sum(map(_ran, Path(f"/proc/{pid}/task").iterdir())) / 1e9)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended meanwhile


def _ran(thread: Path) -> int:
    try:
        return int((thread / "schedstat").read_text().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended meanwhile, or this kernel does not tell


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
