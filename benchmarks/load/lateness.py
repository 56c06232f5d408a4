"""How late pings are sent by the generator's own fault, apart from the server's."""

from collections import deque

from benchmarks.load.latency import Latencies

_MISSED = 2
"""Ticks without a look at the clock after which the generator had been away."""


class Lateness:
    """Blames the generator for what became due while it was away, and for idle connections."""

    def __init__(self, tick: float, began: float) -> None:
        """`tick`: seconds between two looks at the clock, if it is on time."""
        self.lags = Latencies()
        """Of every ping that was sent; 0 for one that waited for the server alone."""
        self._tick = tick
        self._looked = began
        self._away: deque[tuple[float, float]] = deque()
        """When it left and was back. Pings are sent in the order in which they are due, so that
        what was over before the last one was due can go."""

    def look(self, now: float) -> None:
        """Say that the generator is at work."""
        if now - self._looked > _MISSED * self._tick:
            self._away.append((self._looked, now))
        self._looked = now

    def sent(self, due: float, now: float, idle: bool) -> None:
        """Count a ping; `idle`: a connection has had nothing to do since before it was due."""
        while self._away and self._away[0][1] <= due:
            self._away.popleft()
        if idle:
            self.lags.record(now - due)
        elif self._away and self._away[0][0] <= due:
            # Answers may have waited to be read meanwhile, so that a connection would have been
            # free; and those that were free are taken by the first that are sent after it.
            self.lags.record(self._away[0][1] - due)
        else:
            self.lags.record(0.0)
