"""How much may still be written, asked so that a refusal costs next to nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from ingest.log.sink import SinkError

_LOOK_AGAIN = 0.1
"""Seconds for which the disk's free bytes are believed; what we write meanwhile is subtracted."""
FULL_PAUSE = 0.25
"""Seconds of refusals before room is looked for again."""
FAILED_PAUSE = 1.0
"""Seconds of refusals after the disk failed: each further try may leave a given-up segment."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes."""

    max_bytes: int
    """Of all segments at most."""
    min_free: int
    """That stay free on the disk."""


class Room:
    """The bytes left under both limits."""

    def __init__(
        self, limits: Limits, free: Callable[[], int], monotonic: Callable[[], float]
    ) -> None:
        self._limits = limits
        self._ask = free
        self._monotonic = monotonic
        self._free = 0
        self._asked = float("-inf")

    def left(self, stored: int) -> int:
        """Bytes that may be written when `stored` bytes of segments are there; 0 or less: none.

        Raises `OSError` when the disk cannot be asked.
        """
        now = self._monotonic()
        if now - self._asked >= _LOOK_AGAIN:
            self._free, self._asked = self._ask(), now
        return min(self._limits.max_bytes - stored, self._free - self._limits.min_free)

    def take(self, length: int) -> None:
        """Count bytes written since the disk was last asked."""
        self._free -= length

    def forget(self) -> None:
        """Ask the disk next time: something was deleted, or it was fuller than it said."""
        self._asked = float("-inf")


class Refusals:
    """After a failure, refuses for a moment without trying. Set by one thread, read by any."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._state: tuple[float, type[SinkError], str] | None = None

    def begin(self, kind: type[SinkError], why: str, pause: float) -> None:
        """Refuse with this error for `pause` seconds."""
        self._state = (self._monotonic() + pause, kind, why)

    def end(self) -> None:
        """Try again at once."""
        self._state = None

    def current(self) -> SinkError | None:
        """The error to refuse with now; None to go on."""
        state = self._state
        if state is None or self._monotonic() >= state[0]:
            return None
        _, kind, why = state
        return kind(why)

    @property
    def why(self) -> str | None:
        """What failed last; None once something worked again, or looked as if it would."""
        state = self._state
        return None if state is None else state[2]

    @property
    def any(self) -> bool:
        """Whether nothing has worked, nor looked as if it would, since the last failure."""
        return self._state is not None
