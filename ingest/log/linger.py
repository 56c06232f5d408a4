"""How long a batch waits for company, by how many events arrive."""

from ingest.config import Delivery

_WINDOW = 0.25
"""Seconds over which arrivals are counted."""


class Linger:
    """clamp(hoped-for events / arrivals per second and partition, least, most), in seconds.

    Small batches cost more than their events, long waits cost latency: with few arrivals a batch
    waits its longest, with many its company comes soon anyway.
    """

    __slots__ = ("_arrived", "_events", "_least", "_most", "_since", "seconds")

    def __init__(self, delivery: Delivery, now: float) -> None:
        self._least = delivery.linger_min
        self._most = delivery.linger_max
        self._events = delivery.linger_events
        self._arrived = 0
        self._since = now
        self.seconds = self._most
        """How long a batch opened now waits."""

    def arrived(self) -> None:
        """Count one event."""
        self._arrived += 1

    def opened(self, now: float, partitions: int) -> float:
        """Return how long a batch opened at `now` waits; once a batch, not once an event."""
        elapsed = now - self._since
        if elapsed >= _WINDOW:
            wanted = self._events * partitions * elapsed / max(self._arrived, 1)
            self.seconds = min(max(wanted, self._least), self._most)
            self._arrived, self._since = 0, now
        return self.seconds
