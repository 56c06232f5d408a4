"""The machine's clock, compiled: it is asked twice a ping."""

import time


def now() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000
