"""How many files a process may have open: each connection is one."""

import resource


def allow_all() -> None:
    """Let this process, and those it starts, have as many open as the system permits it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
