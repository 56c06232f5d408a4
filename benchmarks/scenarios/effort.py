"""How much is measured, so that it fits into the time there is."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

LEAST_SECONDS = 1.0
"""Of a cell: below it a moment's trouble is all of it."""
_OVERHEAD = 1.2
"""Seconds of a cell beside load and warm-up (a generator is started, books closed), until known."""
_WARMING = 1.5
"""Seconds of a server's warm-up beside its bound: the last piece begins within it."""
_COLD = 2.5
"""Seconds of a server's first pings."""
_SLACK = 0.05
"""What the time there is may be passed by, for the last round's sake."""
_STARTING = 28.0
"""Seconds until a broker and all servers run."""
_EXTRAS = 5.0
_EXTRAS_ROUND = 6.0
"""Seconds for start-up times and the stats reader, and for each of their rounds."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    rounds: int
    seconds: float
    """Of each cell."""
    warm_up: float
    partitions: int
    seed: int
    long_seconds: float = 600.0
    """Of each cell of a scenario that is long."""
    extra_rounds: int = 5
    """Of what is measured beside the rounds."""
    warming: float = 0.0
    """Seconds for which a server is warmed, at most, before its first cell."""
    longest: float | None = None
    """Seconds of a cell where there is more time than was thought; None: as all."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a run consists of."""

    cells: int
    """Of one round."""
    long_cells: int = 0
    benches: int = 1
    extras: bool = True
    servers: int = 0
    """That are warmed."""
    cold_cells: int = 0

    def fixed(self, effort: Effort) -> float:
        """Seconds that do not depend on the length of a cell."""
        long = self.long_cells * (effort.long_seconds + effort.warm_up + _OVERHEAD)
        extras = self.extras * (_EXTRAS + _EXTRAS_ROUND * effort.extra_rounds)
        cold = self.cold_cells * _COLD
        warming = self.servers * (effort.warming + _WARMING) if effort.warming else 0.0
        return self.benches * _STARTING + long + extras + cold + warming

    def estimate(self, effort: Effort) -> float:
        """Seconds of all."""
        cell = effort.seconds + effort.warm_up + _OVERHEAD
        return self.fixed(effort) + effort.rounds * self.cells * cell


def fitted(effort: Effort, size: Size, minutes: float) -> Effort:
    """Shorten the cells until all fits; raises ValueError where they would be too short."""
    if not size.cells:
        return effort
    left = minutes * 60 - size.fixed(effort)
    each = left / (effort.rounds * size.cells) - effort.warm_up - _OVERHEAD
    if each < LEAST_SECONDS:
        least = size.estimate(replace(effort, seconds=LEAST_SECONDS)) / 60
        raise ValueError(
            f"{minutes:g} minutes are too few: {size.cells} cells in {effort.rounds} rounds take "
            f"{least:.0f} at least; name fewer --scenarios, or servers by --only"
        )
    return replace(effort, seconds=min(effort.seconds, each), longest=effort.seconds)


class Pace:
    """Shortens later cells where the first took longer than thought, and else lengthens them."""

    def __init__(
        self,
        effort: Effort,
        cells: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`cells` of all rounds, to be measured in `seconds`."""
        self._effort = effort
        self._left = cells
        self._clock = clock
        self._seconds = seconds
        self.begin()
        self._spent = 0.0
        self._done = 0

    def begin(self) -> None:
        """The first cell is about to be measured: the time runs from now on."""
        self._at = self._clock()
        self._deadline = self._at + self._seconds

    def done(self, seconds: float) -> None:
        """A cell is measured, whose load took so long."""
        now = self._clock()
        self._spent += now - self._at - seconds
        self._at = now
        self._done += 1
        self._left -= 1

    def seconds(self) -> float:
        """Of each cell from now on."""
        if not self._done or not self._left:
            return self._effort.seconds
        each = (self._deadline - self._clock()) / self._left - self._beside
        return min(max(each, LEAST_SECONDS), self._effort.longest or self._effort.seconds)

    def fits(self, cells: int) -> bool:
        """Whether there is time for so many cells more, as short as they may be."""
        least = min(LEAST_SECONDS, self._effort.seconds)
        needed = cells * (least + self._beside)
        return self._clock() + needed <= self._deadline + _SLACK * self._seconds

    @property
    def _beside(self) -> float:
        """Seconds of a cell that are not its load."""
        return self._spent / self._done if self._done else 0.0
