"""File descriptors: one for each connection, and some that connections may not take."""

import contextlib
import resource

_RESERVE = 256
"""For segments, Kafka, the admin listener and whatever else is opened while all is busy."""


def connections_within_limit(wanted: int) -> int:
    """Raise the process's own limit as far as needed and allowed; return how many fit under it.

    Where connections could take every descriptor, the store could not begin its next segment and
    operators could not ask why.
    """
    needed = wanted + _RESERVE
    limit = _raised(needed)
    return limit - min(_RESERVE, limit // 2) if _below(limit, needed) else wanted


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
