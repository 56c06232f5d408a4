"""The bytes of an answer, the same from both lanes."""

from http import HTTPStatus
from time import gmtime
from typing import NamedTuple

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


class Reply(NamedTuple):
    """One answer, and under what it is counted."""

    status: int
    headers: tuple[Header, ...]
    """Without `Date`, `Connection` and `Content-Length`."""
    body: bytes
    route: Route
    outcome: Outcome
    start: bytes
    """The head's bytes up to where `Date` and `Connection` come: `Reply`s are reused."""


def reply(
    status: int,
    headers: tuple[Header, ...],
    body: bytes,
    route: Route,
    outcome: Outcome,
) -> Reply:
    """Make an answer."""
    phrase = HTTPStatus(status).phrase
    lines = [f"HTTP/1.1 {status} {phrase}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers]
    if status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(body)}\r\n")
    start = "".join(lines).encode("latin-1")
    return Reply(status, headers, body, route, outcome, start)


def with_header(answer: Reply, header: Header) -> Reply:
    """The same answer with a header more."""
    name, value = header
    start = answer.start + f"{name}: {value}\r\n".encode("latin-1")
    return answer._replace(headers=(*answer.headers, header), start=start)


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
        self._second = -1
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
