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


class Hit(NamedTuple):
    """One beacon request, framed and checked, not yet looked at.

    A NamedTuple rather than a frozen dataclass: 0.2 µs instead of 0.9 to make, once a ping.
    """

    route: Route
    method: bytes
    """`GET`, `HEAD` or `POST`."""
    path: str
    """Path as sent, without the query, such as `/badge/example.svg`."""
    query: bytes
    """Query string as sent, without the question mark; only bytes 0x21–0x7E."""
    headers: Mapping[bytes, bytes]
    """Names in lower case. Repeated fields are joined with `, `, cookies with `; ` (RFC 9110, 5.3;
    RFC 9113, 8.2.3). Bytes as sent: treat values as hostile."""
    body: bytes
    peer: Peer
