"""A request as the collector sees it: the same from both lanes."""

from collections.abc import Mapping
from typing import NamedTuple

from ingest.outcome import Route


class Peer(NamedTuple):
    """What is kept of a connection's other end: never its address."""

    network: str
    """The anonymised network's address (`192.0.2.0`, `2001:db8:1::`); empty when unknown."""
    trusted: bool
    """Whether the address lies in a trusted proxy's network, so that its headers are believed."""


class Hit:
    """One beacon request, framed and checked, not yet looked at."""

    __slots__ = ("body", "headers", "method", "path", "peer", "query", "route")

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
        self.method = method
        """`GET`, `HEAD` or `POST`."""
        self.path = path
        """Path as sent, without the query, such as `/badge/example.svg`."""
        self.query = query
        """Query string as sent, without the question mark; only bytes 0x21–0x7E."""
        self.headers = headers
        """Names in lower case. Repeated fields are joined with `, `, cookies with `; ` (RFC 9110,
        5.3; RFC 9113, 8.2.3). Bytes as sent: treat values as hostile."""
        self.body = body
        self.peer = peer
