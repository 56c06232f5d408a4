"""The bytes of an answer, the same from both lanes."""

from http import HTTPStatus
from time import gmtime

from aiohttp import web

from ingest.outcome import Outcome, Route

Header = tuple[str, str]
JSON: Header = ("Content-Type", "application/json")
NO_STORE: Header = ("Cache-Control", "no-store")
NOSNIFF: Header = ("X-Content-Type-Options", "nosniff")
ANY_SITE: Header = ("Cross-Origin-Resource-Policy", "cross-origin")
OUTCOME_HEADER = "Beacon-Outcome"
RETRY_AFTER: Header = ("Retry-After", "5")
"""Seconds after which another try is worth it: longer than a broker's change of leader."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Reply:
    """One answer, and under what it is counted."""

    __slots__ = ("body", "headers", "outcome", "route", "start", "status")

    def __init__(
        self,
        status: int,
        headers: tuple[Header, ...],
        body: bytes,
        route: Route,
        outcome: Outcome,
        start: bytes,
    ) -> None:
        self.status = status
        self.headers = headers
        """Without `Date`, `Connection` and `Content-Length`."""
        self.body = body
        self.route = route
        self.outcome = outcome
        self.start = start
        """The head's bytes up to where `Date` and `Connection` come: `Reply`s are reused."""

    def whole(self, date: bytes) -> bytes:
        """Its bytes with the `Date` header's line, for a connection that stays."""
        return encode(self, date, b"", False)


class ReadyReply(Reply):
    """One with nothing of a request in it, sent many times: its bytes are kept while `Date` holds.

    Those of a second at most, of each of them: there are as many as were made at the start.
    """

    __slots__ = ("_date", "_whole")

    def __init__(self, answer: Reply) -> None:
        super().__init__(
            answer.status,
            answer.headers,
            answer.body,
            answer.route,
            answer.outcome,
            answer.start,
        )
        self._date: bytes | None = None
        self._whole = b""

    def whole(self, date: bytes) -> bytes:
        """As above, made anew for another line only; the line is the same object for a second."""
        if date is not self._date:
            self._date, self._whole = date, encode(self, date, b"", False)
        return self._whole


def reply(
    status: int,
    headers: tuple[Header, ...],
    body: bytes,
    route: Route,
    outcome: Outcome,
) -> Reply:
    """Make an answer."""
    start = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode("ascii") + _lines(headers)
    if status != HTTPStatus.NO_CONTENT:
        start += b"Content-Length: %d\r\n" % len(body)
    return Reply(status, headers, body, route, outcome, start)


def with_headers(answer: Reply, headers: tuple[Header, ...]) -> Reply:
    """The same answer with some headers more."""
    return Reply(
        answer.status,
        answer.headers + headers,
        answer.body,
        answer.route,
        answer.outcome,
        answer.start + _lines(headers),
    )


def _lines(headers: tuple[Header, ...]) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")


def encode(answer: Reply, date: bytes, connection: bytes, head_only: bool) -> bytes:
    """Return the answer's bytes. `date` and `connection` are whole header lines, or empty."""
    body = b"" if head_only else answer.body
    return b"%b%b%b\r\n%b" % (answer.start, date, connection, body)


def to_response(answer: Reply) -> web.Response:
    """The answer for aiohttp to send."""
    response = web.Response(status=answer.status, body=answer.body or None)
    response.headers.extend(answer.headers)
    return response


class Dates:
    """The `Date` header's line, made anew once a second (RFC 9110, 6.6.1)."""

    def __init__(self) -> None:
        self._second: int | None = None
        self._line = b""

    def line(self, now: int) -> bytes:
        """Return it for `now`, in epoch milliseconds."""
        second = now // 1000
        if second != self._second:
            self._second = second
            self._line = f"Date: {_http_date(second)}\r\n".encode()
        return self._line


def _http_date(second: int) -> str:
    """IMF-fixdate; `strftime` would follow the locale."""
    at = gmtime(second)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    return f"{day}, {at.tm_mday:02d} {month} {at.tm_year} {clock} GMT"
