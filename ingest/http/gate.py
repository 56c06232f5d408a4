"""The gate: one protocol a connection. Frames requests, holds bounds and deadlines."""

import asyncio
from enum import Enum
from http import HTTPStatus
from typing import cast

from ingest.beacon.hit import Peer, hit_of
from ingest.http import cors
from ingest.http.beacon_routes import is_plain, takes
from ingest.http.head import Head, Refusal, parse_head
from ingest.http.in_flight import WAITING, cost
from ingest.http.problem import problem
from ingest.http.reply import Reply, encode
from ingest.http.shared import MOST_SWALLOWED, Shared
from ingest.outcome import Route

_CLOSE = b"Connection: close\r\n"
_KEEP = b"Connection: keep-alive\r\n"
_LINGER = 2.0
"""Seconds in which a refused client may read why: closing at once would reset the connection."""
_HEAD_END = b"\r\n\r\n"
_CRLF = b"\r\n"
_CR = 0x0D
_NEVER = float("inf")
_FORM = 4_096
"""Bytes of a body that is read however many requests are under way: opting out is such a form."""
_UNREAD = 4_096
"""Bytes of answers that a client may leave unread here before no more is taken from it: nothing
counts them, and there may be as many as there are connections."""
_NO_ROOM = "too many requests are under way; send it again later"


class Phase(Enum):
    """What a connection waits for."""

    HEAD = "head"
    BODY = "body"
    ANSWER = "answer"
    CLOSING = "closing"
    """Answered for the last time; what still comes in is not looked at."""
    GONE = "gone"
    """Lost, or handed over to aiohttp."""


_HEAD, _BODY, _ANSWER, _CLOSING, _GONE = Phase


class Gate:
    """One connection, one request at a time; what is pipelined behind it waits, unread.

    An `asyncio.Protocol` in all but name: compiled classes have no base that is not compiled.
    """

    __slots__ = (
        "_at", "_beacons", "_buffer", "_counts", "_ended", "_fast_lane", "_head", "_head_only",
        "_held", "_idle_timeout", "_in_flight", "_keep", "_least", "_max_body", "_max_head",
        "_max_headers", "_max_line", "_old", "_peer", "_phase", "_raw", "_reading", "_route",
        "_route_of", "_shared", "_swallowed", "_time", "_transport", "_working", "_writable",
        "deadline",
    )  # fmt: skip

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._counts = shared.counts
        self._beacons = shared.beacons
        self._in_flight = shared.in_flight
        self._route_of = shared.route_of
        config = shared.config
        self._fast_lane = config.fast_lane
        self._max_line, self._max_head = config.max_request_line, config.max_head
        self._least = min(self._max_line, self._max_head)
        self._max_headers, self._max_body = config.max_headers, config.max_body
        self._idle_timeout = config.idle_timeout
        self._time = shared.loop.time
        self._phase = _GONE
        self._buffer = b""
        self._at = 0
        self._head: Head | None = None
        self._raw = b""
        self._route = Route.NONE
        self._peer = Peer("", False)
        self._reading = True
        self._ended = False
        self._keep = self._old = self._head_only = False
        self._writable = True
        self._working = False
        self._swallowed = 0
        self._held = 0
        self.deadline = _NEVER
        """Loop time after which `expire` is to be called."""

    # -- the connection ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or close it where there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        if not self._shared.enter(self):
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(_UNREAD)
        address = transport.get_extra_info("peername")
        # The only place that the address passes; it becomes the network here and is kept nowhere.
        self._peer = self._shared.proxies.peer(address[0] if address else "")
        self._await_head()

    def connection_lost(self, _error: Exception | None) -> None:
        """Count what was under way as aborted."""
        if self._phase in (_BODY, _ANSWER):
            self._shared.counts.abort()
        self._phase = _GONE
        self._hold(0)
        self._shared.leave(self)

    def eof_received(self) -> bool:
        """A client that sends no more may still be owed an answer: keep the way to it open."""
        self._ended = True
        if self._phase is _ANSWER:
            return True
        if self._phase in (_HEAD, _BODY):
            self._transport.close()
        return False

    def pause_writing(self) -> None:
        """The client does not read: take nothing more from it until it does."""
        self._writable = False
        self.deadline = self._shared.loop.time() + self._shared.config.write_timeout

    def resume_writing(self) -> None:
        """Go on."""
        self._writable = True
        if self._phase is _HEAD:
            self._await_head()
        if self._phase in (_HEAD, _BODY):
            self._resume_reading()
            self._advance()

    @property
    def owes(self) -> bool:
        """Whether a request was taken that is not answered yet."""
        return self._phase in (_BODY, _ANSWER)

    def close_idle(self) -> None:
        """Close it unless it owes an answer."""
        if not self.owes and self._phase is not _GONE:
            self._transport.close()

    def abort(self) -> None:
        """Close it whatever it owes."""
        if self._phase is not _GONE:
            self._transport.abort()

    def expire(self) -> None:
        """The deadline has passed."""
        if self._phase is _CLOSING or not self._writable:
            self._transport.abort()
        elif self._phase is _BODY:
            self._refuse_body(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time")
        elif self._phase is _HEAD and self._at < len(self._buffer):
            self._refuse_head(Refusal(HTTPStatus.REQUEST_TIMEOUT, "the head did not come in time"))
        elif self._phase is _HEAD:
            self._transport.close()

    # -- bytes ------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take bytes; whole requests among them are dealt with."""
        if self._phase is _CLOSING:
            self._swallow(data)
            return
        if self._at:
            self._buffer, self._at = self._buffer[self._at :], 0
        self._buffer = self._buffer + data if self._buffer else data
        self._advance()

    def _advance(self) -> None:
        """Deal with what is buffered. A loop, not a recursion, for answers that come at once."""
        if self._working:
            return
        self._working = True
        try:
            while self._writable and (
                (self._phase is _HEAD and self._take_head())
                or (self._phase is _BODY and self._take_body())
            ):
                pass
        except Refusal as refusal:
            self._refuse_head(refusal)
        finally:
            self._working = False
        waiting = self._phase is _ANSWER or not self._writable
        if self._ended:
            if not waiting and self._phase in (_HEAD, _BODY):
                self._transport.close()  # the rest of this request will not come
        elif waiting and self._reading and self._at < len(self._buffer):
            self._reading = False
            self._transport.pause_reading()
            self._hold(self._held + len(self._buffer) - self._at)
            if self._in_flight.is_full():
                self._transport.abort()  # a 503 to this may not overtake the answer that is owed

    def _resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()

    def _take_head(self) -> bool:
        """Take a head if it is whole. Raises `Refusal`."""
        data = self._buffer
        while self._at < len(data) and data[self._at] == _CR and data.startswith(_CRLF, self._at):
            self._at += 2  # RFC 9112, 2.2
        begin = self._at
        left = len(data) - begin
        if left == 0 or (left == 1 and data[begin] == _CR):
            return False
        end = len(data)
        # Mostly one head and nothing behind it, too short to be too long: no need to look for ends.
        # From `begin` on: what ends the buffer may be the last bytes of a body that is taken.
        if end - begin > self._least or not data.endswith(_HEAD_END, begin):
            end = data.find(_HEAD_END, begin)
            if end < 0:
                self._check_partial(data, begin)
                return False
            end += len(_HEAD_END)
            if end - begin > self._max_line and data.find(_CRLF, begin) - begin > self._max_line:
                raise _line_too_long(self._max_line)
            if end - begin > self._max_head:
                raise _head_too_large(self._max_head)
        head = parse_head(data, begin, self._max_headers)
        self._at = head.end
        self._take(head, head.raw)
        return True

    def _check_partial(self, data: bytes, begin: int) -> None:
        """Refuse early what cannot become a good head, and begin its deadline."""
        config = self._shared.config
        line_end = data.find(b"\n", begin)
        if not data[begin : begin + 1].isupper():
            raise Refusal(HTTPStatus.BAD_REQUEST, "this is no HTTP request")
        if line_end > begin and data[line_end - 1] != 0x0D:
            raise Refusal(HTTPStatus.BAD_REQUEST, "a line ends without CR")
        if (line_end if line_end >= 0 else len(data)) - begin > config.max_request_line + 1:
            raise _line_too_long(config.max_request_line)
        if len(data) - begin > config.max_head:
            raise _head_too_large(config.max_head)
        if self._raw != b"partial":
            self._raw = b"partial"
            self.deadline = self._shared.loop.time() + config.head_timeout
        self._hold(len(data) - begin)
        if self._in_flight.is_full():
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, _NO_ROOM)

    def _take(self, head: Head, raw: bytes) -> None:
        """A good head: wait for its body, or hand it over."""
        self._counts.begin()
        self._head, self._raw = head, raw
        self._route = self._route_of.of(head)
        self._phase = _BODY
        limit = self._max_body
        if head.length > limit:
            self._refuse_body(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the body has more than {limit} bytes",
            )
            return
        self._hold(cost(head, raw, limit))
        if head.length:
            self.deadline = self._shared.loop.time() + self._shared.config.body_timeout
        if self._in_flight.is_full() and self._body_is_to_come(head):
            self._turn_away(head)

    def _take_body(self) -> bool:
        """Take a request's body if it is whole, and see to the request."""
        head = self._head
        assert head is not None  # noqa: S101 (the phase says so)
        if head.chunked or head.special:
            self._hand_over(self._buffer[self._at :])
            return False
        end = self._at + head.length
        if end > len(self._buffer):
            return False
        body = self._buffer[self._at : end] if head.length else b""
        self._at = end
        if not (self._fast_lane and is_plain(head, self._route)):
            self._hand_over(body)
            return False
        self._phase = _ANSWER
        self.deadline = _NEVER
        if end == len(self._buffer):
            self._buffer, self._at = b"", 0
        # Only what the answer needs is kept: the rest goes with `hit`.
        self._keep, self._old, self._head_only = head.keep_alive, head.old, head.method == b"HEAD"
        self._head, self._raw = None, b""
        hit = hit_of(self._route, head, body, self._peer)
        if not self._beacons.handle(hit, self._answer) and self._phase is _ANSWER:
            self._hold(WAITING)
        return True

    def _swallow(self, data: bytes) -> None:
        self._swallowed += len(data)
        if self._swallowed > MOST_SWALLOWED:
            self._transport.abort()

    # -- answers ----------------------------------------------------------------------------------

    def _answer(self, answer: Reply) -> None:
        """Answer the request under way, and turn to the next."""
        if self._phase is not _ANSWER:
            return  # the client is gone: counted as aborted
        shared = self._shared
        self._counts.answer(answer.route, answer.outcome)
        last = self._ended and self._at == len(self._buffer)
        keep = self._keep and not shared.stopping and not last
        connection = (_KEEP if self._old else b"") if keep else _CLOSE
        self._hold(0)
        self._transport.write(shared.encoded(answer, connection, self._head_only))
        if not keep:
            self._close()
            return
        self._await_head()
        self._resume_reading()
        if self._at < len(self._buffer):
            self._advance()

    def _await_head(self) -> None:
        self._phase = _HEAD
        self._raw = b""
        if self._writable:
            self.deadline = self._time() + self._idle_timeout

    def _refuse_head(self, refusal: Refusal) -> None:
        """Answer what is malformed; nothing after it on this connection can be trusted."""
        self._shared.counts.begin()
        self._refuse(problem(refusal.status, refusal.detail, Route.NONE))

    def _refuse_body(self, status: HTTPStatus, detail: str) -> None:
        """Answer a request whose body cannot be taken."""
        assert self._head is not None  # noqa: S101 (the phase says so)
        events = self._route is Route.EVENTS
        headers = cors.with_credentials(self._head) if events else ()
        route = Route.PAGE if self._route is Route.NONE else self._route
        self._refuse(problem(status, detail, route, headers=headers))

    def _refuse(self, answer: Reply) -> None:
        shared = self._shared
        shared.counts.answer(answer.route, answer.outcome)
        head_only = self._head is not None and self._head.method == b"HEAD"
        self._phase = _CLOSING
        self._hold(0)
        self._transport.write(encode(answer, shared.date(), _CLOSE, head_only))
        self._buffer, self._at = b"", 0
        self.deadline = shared.loop.time() + _LINGER
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _close(self) -> None:
        self._phase = _CLOSING
        self.deadline = self._shared.loop.time() + self._shared.config.write_timeout
        self._transport.close()

    def _hand_over(self, rest: bytes) -> None:
        """Give the connection to aiohttp for this one request."""
        assert self._head is not None  # noqa: S101 (the phase says so)
        self._phase = _GONE
        self._transport.set_write_buffer_limits()  # pages and streams are larger: as is usual
        # The other lane takes the connection in before this one lets go: it is never uncounted.
        self._shared.slow_lane(self._transport, self._head, self._peer, self._raw, rest)
        self._hold(0)
        self._shared.leave(self)
        self._buffer, self._at = b"", 0

    def _hold(self, size: int) -> None:
        """Count `size` bytes as held by this connection's request under way."""
        self._in_flight.held += size - self._held
        self._held = size

    def _body_is_to_come(self, head: Head) -> bool:
        """Whether a body of some size has still to be read. A page's forms are small: read on."""
        if head.chunked:
            return True
        if self._route is Route.NONE and head.length <= _FORM:
            return False
        return self._at + head.length > len(self._buffer)

    def _turn_away(self, head: Head) -> None:
        """Answer at once instead of reading a body that there is no room for."""
        if takes(head.method, self._route):
            self._refuse(self._beacons.turn_away(hit_of(self._route, head, b"", self._peer)))
        else:
            self._refuse_body(HTTPStatus.SERVICE_UNAVAILABLE, _NO_ROOM)


def _line_too_long(limit: int) -> Refusal:
    detail = f"the request line has more than {limit} bytes"
    return Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, detail)


def _head_too_large(limit: int) -> Refusal:
    detail = f"the head has more than {limit} bytes"
    return Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
