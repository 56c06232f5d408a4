"""A wall clock that a test sets while the server runs; the monotonic one stays as it is.

The server's interpreter loads `sitecustomize`, written here, before anything else: `time.time` and
`time.time_ns` then add what stands in a file. libfaketime would do so without the interpreter's
help, but takes hold of every wait of every thread too: 300 pings then took between 2 and 17 s.
"""

import os
import struct
import time
from pathlib import Path

DAY = 86_400
_SITE = """
import mmap, struct, time

with open({file!r}, "rb") as opened:
    off = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
real = time.time_ns

def time_ns():
    return real() + struct.unpack_from("=q", off)[0]

time.time_ns = time_ns
time.time = lambda: time_ns() / 1e9
"""


class FalseClock:
    """The clock of one server, right at first."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "clock"
        self._off = 0
        self._file.write_bytes(struct.pack("=q", 0))
        self._site = directory / "site"
        self._site.mkdir()
        (self._site / "sitecustomize.py").write_text(_SITE.format(file=str(self._file)))

    @property
    def environment(self) -> dict[str, str]:
        """For the server."""
        path = [str(self._site), os.environ.get("PYTHONPATH", "")]
        return {"PYTHONPATH": os.pathsep.join(filter(None, path))}

    def time(self) -> float:
        """What the clock shows: epoch seconds."""
        return time.time() + self._off / 1e9

    def turn(self, seconds: float) -> None:
        """Set it forward, or back."""
        self._off += int(seconds * 1e9)
        with self._file.open("r+b") as opened:  # in place: it is mapped; eight bytes at once
            opened.write(struct.pack("=q", self._off))

    def right(self) -> None:
        """Set it right again."""
        self.turn(-self._off / 1e9)

    def turn_to_midnight(self, after: float) -> None:
        """Set it to so many seconds after the last midnight (UTC)."""
        self.turn(-(self.time() % DAY) + after)
