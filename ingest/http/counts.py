"""The ledger of requests, as plain integers."""

from collections import Counter
from dataclasses import dataclass, field

from ingest.outcome import Outcome, Route


def _from_zero() -> Counter[tuple[Route, Outcome]]:
    """Name every pair that there may be, so that a scrape shows it before it happens."""
    beacons = (Route.PIXEL, Route.EVENTS, Route.BADGE)
    outcomes = [outcome for outcome in Outcome if outcome is not Outcome.PAGE]
    others = ((Route.PAGE, Outcome.PAGE), (Route.NONE, Outcome.PAGE))
    refused = ((Route.PAGE, Outcome.REFUSED), (Route.NONE, Outcome.REFUSED))
    pairs = [(route, outcome) for route in beacons for outcome in outcomes]
    return Counter(dict.fromkeys((*pairs, *others, *refused), 0))


@dataclass(slots=True)
class RequestCounts:
    """received = Σ answered + aborted + in_flight, at every step of the loop."""

    received: int = 0
    """Requests with a complete head, or one that was refused."""
    answered: Counter[tuple[Route, Outcome]] = field(default_factory=_from_zero)
    aborted: int = 0
    """Requests whose client left before the answer."""
    in_flight: int = 0
    connections: int = 0
    """Open now."""
    turned_away: int = 0
    """Connections closed at once, above `http.max_connections`."""

    def begin(self) -> None:
        """Count a request that came in."""
        self.received += 1
        self.in_flight += 1

    def answer(self, route: Route, outcome: Outcome) -> None:
        """Count a request that was answered."""
        self.in_flight -= 1
        self.answered[route, outcome] += 1

    def abort(self) -> None:
        """Count a request whose client left."""
        self.in_flight -= 1
        self.aborted += 1
