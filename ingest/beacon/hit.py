"""A request as the collector sees it: the same from both lanes."""

from collections.abc import Mapping
from typing import NamedTuple

from ingest.beacon.known import NAMES, seen_in
from ingest.outcome import Route


class Peer(NamedTuple):
    """What is kept of a connection's other end: never its address."""

    network: str
    """The anonymised network's address (`192.0.2.0`, `2001:db8:1::`); empty when unknown."""
    trusted: bool
    """Whether the address lies in a trusted proxy's network, so that its headers are believed."""


class RequestHead:
    """What a request's head says; the gate's reads it where it stands, when it is asked."""

    def __init__(
        self, method: bytes, path: str, query: bytes, headers: Mapping[bytes, bytes]
    ) -> None:
        self.method = method
        """`GET`, `HEAD` or `POST`."""
        self.query = query
        """Query string as sent, without the question mark; only bytes 0x21–0x7E."""
        self.seen = seen_in(headers)
        """A bit for each known field that was sent (`known.NAMES`)."""
        self._path = path
        self._headers = headers

    @property
    def path(self) -> str:
        """Path as sent, without the query, such as `/badge/example.svg`."""
        return self.whole_path()

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        """Names in lower case. Repeated fields are joined with `, `, cookies with `; ` (RFC 9110,
        5.3; RFC 9113, 8.2.3). Bytes as sent: treat values as hostile."""
        return self.all()

    def whole_path(self) -> str:
        """`path`, for who knows its C type."""
        return self._path

    def all(self) -> Mapping[bytes, bytes]:
        """`headers`, for who knows its C type."""
        return self._headers

    def value(self, known: int) -> bytes | None:
        """Return the value of a known field, by its number, as `headers` has it."""
        return self._headers.get(NAMES[known])


class Hit:
    """One beacon request, framed and checked, not yet looked at."""

    def __init__(
        self,
        route: Route,
        method: bytes,
        path: str,
        query: bytes,
        headers: Mapping[bytes, bytes],
        body: bytes,
        peer: Peer,
    ) -> None:
        self.route = route
        self.head = RequestHead(method, path, query, headers)
        self.method = method
        """`GET`, `HEAD` or `POST`."""
        self.query = query
        """Query string as sent, without the question mark; only bytes 0x21–0x7E."""
        self.body = body
        self.peer = peer

    @property
    def path(self) -> str:
        """Path as sent, without the query, such as `/badge/example.svg`."""
        return self.head.whole_path()

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        """All of them, by name in lower case: see `RequestHead.headers`."""
        return self.head.all()


def hit_of(route: Route, head: RequestHead, body: bytes, peer: Peer) -> Hit:
    """A hit by its head. Compiled, without a constructor's call: a third of the time."""
    hit = Hit.__new__(Hit)
    hit.route = route
    hit.head = head
    hit.method = head.method
    hit.query = head.query
    hit.body = body
    hit.peer = peer
    return hit
