"""What segments need of the machine: files and clocks. Tests pass their own."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.log.files import Files, OsFiles


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine, unless told otherwise."""

    files: Files = field(default_factory=OsFiles)
    clock: Callable[[], int] = _wall_clock
    """Epoch milliseconds; may be set back."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds; only ever goes on."""
