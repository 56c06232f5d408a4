"""Latencies in a HDR histogram."""

from collections import Counter
from collections.abc import Iterable
from typing import Self

from hdrh.histogram import HdrHistogram

_MOST = 3_600_000_000
"""µs that a histogram can hold: an hour. Three digits of each value are kept."""
_PENDING = 50_000
PERCENTILES = (50.0, 75.0, 90.0, 99.0, 99.9, 99.99)


class Latencies:
    """Durations, counted by the µs and given to the histogram now and then.

    Counting in a dict takes a tenth of the time of the histogram's own `record_value`, which would
    be missing to the load.
    """

    def __init__(self, encoded: bytes | None = None) -> None:
        """Empty, or as `encode` wrote it."""
        self._histogram = HdrHistogram(1, _MOST, 3)
        self._pending: Counter[int] = Counter()
        if encoded is not None:
            self._histogram.decode_and_add(encoded)

    def record(self, seconds: float) -> None:
        """Count one."""
        self._pending[int(seconds * 1e6)] += 1
        if len(self._pending) > _PENDING:
            self._settle()

    def add(self, other: Self) -> None:
        """Count all of another's too."""
        other._settle()
        self._settle()
        self._histogram.add(other._histogram)

    def encode(self) -> bytes:
        """The histogram in HDR's own format, as base64."""
        self._settle()
        encoded: bytes = self._histogram.encode()
        return encoded

    @property
    def count(self) -> int:
        """How many."""
        self._settle()
        return int(self._histogram.get_total_count())

    @property
    def mean(self) -> float:
        """Seconds; 0 of none."""
        self._settle()
        return float(self._histogram.get_mean_value()) / 1e6 if self.count else 0.0

    @property
    def most(self) -> float:
        """Seconds; 0 of none."""
        self._settle()
        return float(self._histogram.get_max_value()) / 1e6 if self.count else 0.0

    def at(self, percentile: float) -> float:
        """Seconds within which so many of a hundred lay; 0 of none."""
        self._settle()
        return (
            float(self._histogram.get_value_at_percentile(percentile)) / 1e6 if self.count else 0.0
        )

    def table(self, percentiles: Iterable[float] = PERCENTILES) -> dict[str, float]:
        """Milliseconds by percentile."""
        return {f"p{percentile:g}": self.at(percentile) * 1e3 for percentile in percentiles}

    def corrected(self, interval: float) -> "Latencies":
        """These, and those of the pings that a closed loop did not send while it waited.

        It is what wrk does to all that it reports (`stats_correct` in its stats.c), with the time
        between two answers on a connection as `interval` (seconds). Only for comparing with it:
        it makes up pings, and an open loop sends them.
        """
        self._settle()
        step, made = max(int(interval * 1e6), 1), Latencies()
        for item in self._histogram.get_recorded_iterator():
            value, count = item.value_iterated_to, item.count_added_in_this_iter_step
            made._pending[value] += count
            if value >= 2 * step:
                for missed in range(value - step, step, -step):
                    made._pending[missed] += count
        return made

    def _settle(self) -> None:
        for value, count in self._pending.items():
            self._histogram.record_value(min(max(value, 1), _MOST), count)
        self._pending.clear()
