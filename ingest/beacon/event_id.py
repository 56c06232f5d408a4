"""Names of events: the sender's own, or a UUIDv7 of ours."""

import re
from collections.abc import Callable

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_POOL_BYTES = 4_096
_ID_BYTES = 10


def normal(text: object) -> str | None:
    """Return a UUID of any version in lower case (RFC 9562, 4), or None for anything else."""
    if isinstance(text, str) and _UUID.fullmatch(text):
        return text.lower()
    return None


class EventIds:
    """Makes UUIDv7: they sort by the time they were made (RFC 9562, 5.7).

    Random bytes are drawn by the pool: 0.1 µs an id instead of 1 µs for a system call each.
    """

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        """`entropy` returns that many random bytes, such as `os.urandom`."""
        self._entropy = entropy
        self._pool = b""
        self._used = 0

    def new(self, now: int) -> str:
        """Return an id for an event received at `now`, in epoch milliseconds."""
        if self._used + _ID_BYTES > len(self._pool):
            self._pool, self._used = self._entropy(_POOL_BYTES), 0
        noise = self._pool[self._used : self._used + _ID_BYTES].hex()
        self._used += _ID_BYTES
        time = f"{now & 0xFFFF_FFFF_FFFF:012x}"
        variant = "89ab"[int(noise[3], 16) & 3]
        return f"{time[:8]}-{time[8:]}-7{noise[:3]}-{variant}{noise[4:7]}-{noise[7:19]}"
