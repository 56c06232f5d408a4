"""A timer of the kernel that an event loop can wait for: its own ones know only milliseconds."""

import ctypes
import os
from typing import Self

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLOCK_MONOTONIC = 1
_TFD_NONBLOCK, _TFD_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Ticks:
    """A file descriptor that becomes readable every so many seconds (timerfd, Linux)."""

    def __init__(self, interval: float) -> None:
        self.fd = _LIBC.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        every = _Timespec(int(interval), max(int(interval % 1 * 1e9), 1))
        value = _Itimerspec(every, every)
        if _LIBC.timerfd_settime(self.fd, 0, ctypes.byref(value), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def clear(self) -> None:
        """Wait for the next one."""
        os.read(self.fd, 8)
