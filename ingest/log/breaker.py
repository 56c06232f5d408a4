"""A circuit breaker for each partition: after a failure it is not tried for a while.

Nygard, "Release It!" (2007). The try that closes it again is a batch of the replay: a ping never
waits for a partition that is known to be away.
"""

from collections.abc import Callable, Collection


class Breaker:
    """On the event loop only."""

    def __init__(self, clock: Callable[[], float], first: float, longest: float) -> None:
        """Pauses between tries double from `first` to `longest` seconds of `clock`."""
        self._clock = clock
        self._first = first
        self._longest = longest
        self._open: dict[int, tuple[float, float]] = {}

    def __len__(self) -> int:
        """How many partitions are open: not tried by live batches."""
        return len(self._open)

    def is_open(self, partition: int) -> bool:
        """Whether it failed, and nothing went through since."""
        return partition in self._open

    def may_try(self, partition: int) -> bool:
        """Whether it is closed, or its next try is due."""
        pause = self._open.get(partition)
        return pause is None or pause[1] <= self._clock()

    def due(self, partition: int) -> float:
        """When the next try of an open one is due, by `clock`."""
        return self._open[partition][1]

    def trip(self, partition: int) -> bool:
        """Open it for a pause, longer than the last; whether it is the only one now."""
        last = self._open.get(partition)
        pause = self._first if last is None else min(2 * last[0], self._longest)
        self._open[partition] = (pause, self._clock() + pause)
        return last is None and len(self._open) == 1

    def close(self, partition: int) -> bool:
        """Close it; whether it was the last that was open."""
        return self._open.pop(partition, None) is not None and not self._open

    def close_due(self, but: Collection[int]) -> bool:
        """Close those whose next try is due, `but` some; whether the last open is among them."""
        due = [number for number in self._open if number not in but and self.may_try(number)]
        for partition in due:
            del self._open[partition]
        return bool(due) and not self._open
