"""What all connections of the public listener share."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from ingest.beacon.hit import Hit, Peer
from ingest.beacon.network import TrustedProxies
from ingest.config import Http, Widget
from ingest.http.beacon_routes import by_path
from ingest.http.counts import RequestCounts
from ingest.http.head import Head
from ingest.http.in_flight import InFlight
from ingest.http.reply import Dates, Reply, encode

MOST_SWALLOWED = 1024 * 1024
"""Bytes of a body that a client may go on sending behind its answer: then it is cut off."""


class Connection(Protocol):
    """One open connection, whichever lane it is in."""

    deadline: float

    def expire(self) -> None:
        """The deadline has passed."""

    @property
    def owes(self) -> bool:
        """Whether a request was taken that is not answered yet."""

    def close_idle(self) -> None:
        """Close it unless it owes an answer."""

    def abort(self) -> None:
        """Close it whatever it owes."""


class Beacons(Protocol):
    """Takes beacon requests, or refuses them."""

    in_flight: InFlight

    def handle(self, hit: Hit, done: Callable[[Reply], None]) -> bool:
        """Call `done` once with the answer, and return whether the hit is kept until then."""

    def turn_away(self, hit: Hit) -> Reply:
        """Answer a request whose body is not read, for want of room."""


SlowLane = Callable[[asyncio.Transport, Head, Peer, bytes, bytes], None]
"""Takes over a connection for one request: its head's bytes, and those of its body so far."""


class Shared:
    """Options, counters and tools of the listener, and its open connections."""

    def __init__(
        self,
        config: Http,
        names: Widget,
        proxies: TrustedProxies,
        beacons: Beacons,
        clock: Callable[[], int],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`clock` returns epoch milliseconds."""
        self.config = config
        self.route_of = by_path(names)
        self.proxies = proxies
        self.beacons = beacons
        self.in_flight = beacons.in_flight
        self.loop = loop
        self.counts = RequestCounts()
        self.connections: set[Connection] = set()
        self.stopping = False
        """Every answer is a connection's last."""
        self.slow_lane: SlowLane = _nowhere
        self._empty = asyncio.Event()
        self._empty.set()
        self._clock = clock
        self._dates = Dates()

    def date(self) -> bytes:
        """The `Date` header's line."""
        return self._dates.line(self._clock())

    def encoded(self, answer: Reply, connection: bytes, head_only: bool) -> bytes:
        """An answer's bytes; `connection` is a whole header line, or empty."""
        date = self.date()
        if connection or head_only:
            return encode(answer, date, connection, head_only)
        return answer.whole(date)

    def enter(self, connection: Connection) -> bool:
        """Take in a connection; False when there are too many."""
        if len(self.connections) >= self.config.max_connections:
            self.counts.turned_away += 1
            return False
        self.adopt(connection)
        return True

    def adopt(self, connection: Connection) -> None:
        """Take in a connection that is open already."""
        self.connections.add(connection)
        self.counts.connections = len(self.connections)
        self._empty.clear()

    async def emptied(self) -> None:
        """Return once there is no open connection."""
        await self._empty.wait()

    def leave(self, connection: Connection) -> None:
        """Forget a connection that is closed, or in another's hands."""
        self.connections.discard(connection)
        self.counts.connections = len(self.connections)
        if not self.connections:
            self._empty.set()


def _nowhere(
    transport: asyncio.Transport, _head: Head, _peer: Peer, _raw: bytes, _rest: bytes
) -> None:
    transport.abort()
