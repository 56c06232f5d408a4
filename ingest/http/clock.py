"""The machine's clock, compiled: it is asked twice a ping."""

from time import time_ns


def now() -> int:
    """Epoch milliseconds."""
    return time_ns() // 1_000_000
