"""How far behind the counts are."""

LATE = 10_000
"""Milliseconds behind from which pages speak of a delay."""


class Lag:
    """Since when events reach the counts late. Told by a reader; times are epoch milliseconds."""

    def __init__(self) -> None:
        self._up_to: int | None = None
        self._was_current = False
        self.since: int | None = None

    @property
    def current(self) -> bool:
        """Whether all there was has been counted, and is not late since."""
        return self._was_current and self.since is None

    def caught_up(self, now: int) -> None:
        """All there is in the log is counted."""
        self._up_to, self.since = now, None
        self._was_current = True

    def behind(self, now: int, received: int | None = None) -> None:
        """There is more, or the log is out of reach; counted is what was `received` until then."""
        if received is not None:
            self._up_to = received
        if self._up_to is None:
            self._up_to = now
        self.since = self._up_to if now - self._up_to > LATE else None
