"""Who is there now, again and again: server-sent events (WHATWG HTML, 9.2).

What a site's viewers are told is worked out and encoded once, and the same bytes go to each.
"""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from aiohttp import web

from ingest.beacon.hit import Hit
from ingest.config import Stats
from ingest.http.access import Access
from ingest.http.api import asked_for
from ingest.http.api_models import NowAnswer
from ingest.http.problem import problem
from ingest.http.reply import NO_STORE, NOSNIFF, Header, Reply, reply, to_response
from ingest.outcome import Outcome, Route
from ingest.stats.queries import Now, Queries

_EVENTS: tuple[Header, ...] = (
    ("Content-Type", "text/event-stream"),
    NO_STORE,
    NOSNIFF,
    ("X-Accel-Buffering", "no"),  # nginx would gather events
)
_FULL: Final = "as many are watching already as may; ask /now from time to time, or try again"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what is done, in seconds."""

    tick: float = 1.0
    """Between looks at the sites that are watched."""
    look: float = 5.0
    """After which to ask again although nothing was counted: "now" falls by itself."""
    comment: float = 15.0
    """Of silence at most, so that proxies keep the connection."""
    slow: float = 20.0
    """For which a viewer may leave an event unread."""


class Message:
    """Bytes to send, as they are and as a chunk (RFC 9112, 7.1)."""

    __slots__ = ("chunk", "plain")

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self.chunk = b"%x\r\n%b\r\n" % (len(plain), plain)


_RETRY: Final = b"retry: 5000\n\n"
_SILENCE: Final = Message(b":\n\n")


@dataclass(eq=False, slots=True)
class _Viewer:
    """One open stream."""

    transport: asyncio.Transport
    ended: "asyncio.Future[None]"
    chunked: bool | None = None
    """None: the answer has not begun yet."""
    behind: float | None = None
    """Loop time since when an event waits for an earlier one to be read."""

    def send(self, message: Message, now: float) -> None:
        """Send, unless the last one is not read yet: a later one says more than this."""
        if self.chunked is None:
            return
        if self.transport.get_write_buffer_size() == 0:
            self.behind = None
            self.transport.write(message.chunk if self.chunked else message.plain)
        elif self.behind is None:
            self.behind = now

    def end(self) -> None:
        """Let its handler go."""
        if not self.ended.done():
            self.ended.set_result(None)


@dataclass(eq=False, slots=True)
class _Watched:
    """One site that has viewers."""

    site: str
    message: Message
    said: tuple[object, ...]
    """What the last event said, its time left out."""
    version: int
    """Up to which it was counted."""
    looked: float
    """Loop times of the last look at the counts, and of the last bytes sent."""
    sent: float
    viewers: set[_Viewer] = field(default_factory=set)


class Stream:
    """Answers for `/api/v1/sites/SITE/stream`."""

    def __init__(
        self,
        queries: Queries,
        access: Access,
        limits: Stats,
        loop: asyncio.AbstractEventLoop,
        pace: Pace | None = None,
    ) -> None:
        self._queries = queries
        self._access = access
        self._limits = limits
        self._loop = loop
        self._pace = pace or Pace()
        self._watched: dict[str, _Watched] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def viewers(self) -> int:
        """Open streams."""
        return sum(len(watched.viewers) for watched in self._watched.values())

    async def show(self, hit: Hit, request: web.Request) -> web.StreamResponse:
        """`GET …/stream`."""
        asked = asked_for(hit, self._access)
        if isinstance(asked, Reply):
            return to_response(asked)
        headers = (*_EVENTS, *asked.cors)
        if hit.method == b"HEAD":
            return to_response(reply(HTTPStatus.OK, headers, b"", Route.PAGE, Outcome.PAGE))
        if self._full(asked.site):
            status = HTTPStatus.SERVICE_UNAVAILABLE
            refusal = problem(status, _FULL, Route.PAGE, Outcome.PAGE, headers=asked.cors)
            return to_response(refusal)
        return await self._watch(asked.site, headers, request)

    def close(self) -> None:
        """End every stream: at the stop, and when who may read has changed."""
        for watched in self._watched.values():
            for viewer in watched.viewers:
                viewer.transport.abort()
                viewer.end()
        self._watched.clear()

    async def _watch(
        self, site: str, headers: tuple[Header, ...], request: web.Request
    ) -> web.StreamResponse:
        response = web.StreamResponse()
        response.headers.extend(headers)
        response.force_close()
        watched = self._watched.get(site) or self._begin(site)
        viewer = _Viewer(_transport(request), self._loop.create_future())
        watched.viewers.add(viewer)  # before the first await: the bound holds
        try:
            await response.prepare(request)
            viewer.chunked = "Transfer-Encoding" in response.headers
            await response.write(_RETRY + watched.message.plain)  # written before it waits
            await viewer.ended
        finally:
            watched.viewers.discard(viewer)
        return response

    def _full(self, site: str) -> bool:
        watched = self._watched.get(site)
        here = 0 if watched is None else len(watched.viewers)
        return here >= self._limits.max_viewers or self.viewers >= self._limits.max_streams

    def _begin(self, site: str) -> _Watched:
        now = self._queries.now(site)
        at = self._loop.time()
        watched = _Watched(site, _event(now), _gist(now), now.version, at, at)
        self._watched[site] = watched
        if self._timer is None:
            self._timer = self._loop.call_later(self._pace.tick, self._look)
        return watched

    def _look(self) -> None:
        """Tell viewers what is new; forget who left."""
        now = self._loop.time()
        for watched in list(self._watched.values()):
            self._see_to_viewers(watched, now)
            if watched.viewers:
                self._tell(watched, now)
            else:
                del self._watched[watched.site]
        again = bool(self._watched)
        self._timer = self._loop.call_later(self._pace.tick, self._look) if again else None

    def _see_to_viewers(self, watched: _Watched, now: float) -> None:
        for viewer in list(watched.viewers):
            if viewer.behind is not None:
                if now - viewer.behind > self._pace.slow:
                    viewer.transport.abort()
                else:
                    viewer.send(watched.message, now)
            if viewer.transport.is_closing():
                watched.viewers.discard(viewer)
                viewer.end()

    def _tell(self, watched: _Watched, now: float) -> None:
        version = self._queries.version(watched.site)
        if version != watched.version or now - watched.looked >= self._pace.look:
            state = self._queries.now(watched.site)
            watched.version, watched.looked = state.version, now
            gist = _gist(state)
            if gist != watched.said:
                watched.said, watched.message = gist, _event(state)
                self._send(watched, watched.message, now)
        if now - watched.sent >= self._pace.comment:
            self._send(watched, _SILENCE, now)

    def _send(self, watched: _Watched, message: Message, now: float) -> None:
        watched.sent = now
        for viewer in watched.viewers:
            viewer.send(message, now)


def _event(now: Now) -> Message:
    return Message(b"event: now\ndata: %b\n\n" % NowAnswer.of(now).json_bytes())


def _gist(now: Now) -> tuple[object, ...]:
    return now.now, now.peak_value, now.peak_at, now.delayed_since


def _transport(request: web.Request) -> asyncio.Transport:
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client left")
    return transport
