"""A request as the collector sees it: the same from both lanes."""

from collections.abc import Mapping
from typing import NamedTuple

from ingest.beacon.cut import cut
from ingest.beacon.known import NAMES
from ingest.outcome import Route

_FIELDS = 25
if len(NAMES) != _FIELDS:
    raise ValueError("a head has no room for the fields that are known")


class Peer(NamedTuple):
    """What is kept of a connection's other end: never its address."""

    network: str
    """The anonymised network's address (`192.0.2.0`, `2001:db8:1::`); empty when unknown."""
    trusted: bool
    """Whether the address lies in a trusted proxy's network, so that its headers are believed."""


class RequestHead:
    """What a request's head says: of the fields that we know, where their values stand.

    `text[begins[known]:ends[known]]` is a value, empty where the field was not sent: who can look
    at it in place cuts no bytes.
    """

    method: bytes
    """`GET`, `HEAD` or `POST`."""
    query: bytes
    """Query string as sent, without the question mark; only bytes 0x21–0x7E."""
    seen: int
    """A bit for each known field that was sent (`known.NAMES`)."""
    text: bytes
    """The bytes in which values stand."""
    begins: list[int]
    """Where in `text` each begins, and in `ends` where it ends; for who knows its C type."""
    ends: list[int]

    def __init__(
        self, method: bytes, path: str, query: bytes, headers: Mapping[bytes, bytes]
    ) -> None:
        self.clear()
        self.method, self.query = method, query
        self._path = path
        self._headers = headers
        for known, name in enumerate(NAMES):
            value = headers.get(name)
            if value is not None:
                self.append(known, value)

    def clear(self) -> None:
        """Say nothing yet."""
        self.method = self.query = self.text = b""
        self.seen = 0
        self.begins = [0] * 25  # as many as `NAMES`; a C array's size stands in the source
        self.ends = [0] * 25

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
        if not self.has(known):
            return None
        return cut(self.text, self.begins[known], self.ends[known])

    def has(self, known: int) -> bool:
        """Whether a known field was sent. Raises `IndexError` for another number."""
        if not 0 <= known < _FIELDS:
            raise IndexError("no such field")
        return self.seen >> known & 1 == 1

    def begin_of(self, known: int) -> int:
        """Where the value of a known field begins, for who does not know its C type."""
        return self.begins[known] if self.has(known) else 0

    def end_of(self, known: int) -> int:
        """Where it ends."""
        return self.ends[known] if self.has(known) else 0

    def place(self, known: int, begin: int, end: int) -> None:
        """Say where the value of a known field stands in `text`."""
        if not 0 <= known < _FIELDS:
            raise IndexError("no such field")
        self.seen |= 1 << known
        self.begins[known] = begin
        self.ends[known] = end

    def append(self, known: int, value: bytes) -> None:
        """Set the value of a known field, behind the bytes that are there."""
        begin = len(self.text)
        self.text += value
        self.place(known, begin, len(self.text))


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
