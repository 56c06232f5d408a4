"""File descriptors: one for each connection, in and out, and some that these may not take."""

import contextlib
import resource
from dataclasses import dataclass

_RESERVE = 256
"""For segments, Kafka, the admin listener and whatever else is opened while all is busy."""


@dataclass(frozen=True, slots=True)
class Connections:
    """How many there may be at a time."""

    taken: int
    """From clients."""
    made: int
    """To another server."""


def within_limit(wanted: Connections) -> Connections:
    """Raise the process's own limit as far as needed and allowed; return how many fit under it.

    Where connections could take every descriptor, the store could not begin its next segment and
    operators could not ask why. At most a quarter is for those made: pings come first.
    """
    needed = wanted.taken + wanted.made + _RESERVE
    limit = _raised(needed)
    if not _below(limit, needed):
        return wanted
    left = limit - min(_RESERVE, limit // 2)
    made = min(wanted.made, left // 4)
    return Connections(min(wanted.taken, left - made), made)


def _raised(needed: int) -> int:
    """The limit, raised where that helps."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    aim = hard if _below(hard, needed) else needed
    if _below(soft, aim):
        with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _below(limit: int, needed: int) -> bool:
    return limit != resource.RLIM_INFINITY and limit < needed
