"""Pings that come to a process which takes none."""

from collections.abc import Callable
from http import HTTPStatus

from ingest.beacon.hit import Hit
from ingest.http import cors
from ingest.http.in_flight import InFlight
from ingest.http.problem import problem
from ingest.http.reply import Reply
from ingest.outcome import Route

_DETAIL = "this is a stats server and takes no pings: send them to a collector"


class NoBeacons:
    """Answers pings with 404, for they are at the wrong address.

    A 503 would have their senders, and a load balancer, come back for ever.
    """

    def __init__(self, in_flight: InFlight) -> None:
        self.in_flight = in_flight

    def handle(self, hit: Hit, done: Callable[[Reply], None]) -> bool:
        """Refuse it."""
        done(self.turn_away(hit))
        return False

    def turn_away(self, hit: Hit) -> Reply:
        """Refuse it."""
        allowed = cors.with_credentials(hit.head) if hit.route is Route.EVENTS else cors.ANYONE
        return problem(HTTPStatus.NOT_FOUND, _DETAIL, hit.route, headers=allowed)
