"""The ledger of requests, as plain integers."""

from collections import Counter

from ingest.outcome import Outcome, Route

_BEACONS = (Route.PIXEL, Route.EVENTS, Route.BADGE)
"""Routes whose requests record something."""


def _from_zero() -> Counter[tuple[Route, Outcome]]:
    """Name every pair that there may be, so that a scrape shows it before it happens."""
    outcomes = [outcome for outcome in Outcome if outcome is not Outcome.PAGE]
    others = ((Route.PAGE, Outcome.PAGE), (Route.NONE, Outcome.PAGE))
    refused = ((Route.PAGE, Outcome.REFUSED), (Route.NONE, Outcome.REFUSED))
    pairs = [(route, outcome) for route in _BEACONS for outcome in outcomes]
    return Counter(dict.fromkeys((*pairs, *others, *refused), 0))


class RequestCounts:
    """received = Σ answered + aborted + in_flight, at every step of the loop."""

    def __init__(self) -> None:
        self.received = 0
        """Requests with a complete head, or one that was refused."""
        self._answered = _from_zero()
        # Those since the last answer of another kind: most answers are as the one before, and
        # looking a pair up costs 0.15 µs.
        self._same = 0
        self._route = Route.NONE
        self._outcome = Outcome.PAGE
        self.aborted = 0
        """Requests whose client left before the answer."""
        self.in_flight = 0
        self.connections = 0
        """Open now."""
        self.turned_away = 0
        """Connections closed at once, above `http.max_connections`."""

    @property
    def answered(self) -> Counter[tuple[Route, Outcome]]:
        """Requests answered, by route and outcome."""
        self._put_down()
        return self._answered

    @property
    def shed(self) -> int:
        """Requests that were not stored for want of room."""
        return sum(self.answered[route, Outcome.SHED] for route in _BEACONS)

    def begin(self) -> None:
        """Count a request that came in."""
        self.received += 1
        self.in_flight += 1

    def answer(self, route: Route, outcome: Outcome) -> None:
        """Count a request that was answered."""
        self.in_flight -= 1
        if route is not self._route or outcome is not self._outcome:
            self._put_down()
            self._route, self._outcome = route, outcome
        self._same += 1

    def abort(self) -> None:
        """Count a request whose client left."""
        self.in_flight -= 1
        self.aborted += 1

    def _put_down(self) -> None:
        self._answered[self._route, self._outcome] += self._same
        self._same = 0
