"""aiohttp's lane: pages, chunked bodies, `Expect`, `Upgrade`; one request a connection."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from aiohttp import StreamReader, web
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from ingest.beacon.hit import Hit, Peer, hit_of
from ingest.http import cors
from ingest.http.head import Head
from ingest.http.in_flight import AIOHTTP, cost
from ingest.http.page import asks_for_page
from ingest.http.problem import problem
from ingest.http.refused_pages import nothing
from ingest.http.reply import Header, Reply, to_response
from ingest.http.shared import MOST_SWALLOWED, Shared
from ingest.outcome import Outcome, Route

_log = logging.getLogger(__name__)
Handler = Callable[[Hit], Awaitable[Reply]]
AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Streamed = Callable[[Hit, web.Request], Awaitable[web.StreamResponse]]
"""Answers by and by."""
Methods = Mapping[str, Handler]
"""Handlers by method."""
_LEFT_OVER = 0.05
"""Seconds for handlers whose connections were closed: one may wait for another server's stream."""


@dataclass(frozen=True, slots=True)
class Routes:
    """What this lane answers."""

    beacons: Mapping[Route, Methods]
    """Found by the raw path, as in the fast lane."""
    pages: Mapping[str, Methods]
    """By aiohttp's path pattern."""
    streams: Mapping[str, Streamed]
    """The same, for `GET` and `HEAD`."""
    elsewhere: Streamed | None = None
    """For every other path."""


class SlowHandler(RequestHandler):
    """aiohttp's handler of one connection, with the head as the gate read it."""

    __slots__ = (
        "_body", "_counted", "_held", "_sends", "_shared", "_streams", "_swallowed",
        "deadline", "head", "peer",
    )  # fmt: skip

    def __init__(
        self, server: web.Server, shared: Shared, head: Head, peer: Peer, held: int
    ) -> None:
        """`held` bytes are counted until the connection is closed, which it is by the answer."""
        limits = shared.config
        super().__init__(
            server,
            loop=shared.loop,
            logger=_SILENT,
            access_log=_SILENT,
            max_line_size=limits.max_request_line,
            max_field_size=limits.max_head,
            max_headers=limits.max_headers + 1,
            keepalive_timeout=0,
            lingering_time=1.0,
            auto_decompress=False,
        )
        self.head = head
        self.peer = peer
        self._shared = shared
        self._body: StreamReader | None = None
        self._counted = False
        self._streams = False
        self._sends: asyncio.Task[None] | None = None
        """What sends a stream."""
        self._held = held
        self._swallowed = 0
        shared.in_flight.held += held
        self.deadline = shared.loop.time() + limits.body_timeout + limits.write_timeout

    def answered(self, route: Route, outcome: Outcome) -> None:
        """Count the request's answer, once."""
        if not self._counted:
            self._counted = True
            self._shared.counts.answer(route, outcome)

    @property
    def route(self) -> Route:
        """The beacon route that was asked for."""
        return self._shared.route_of(self.head.path)

    def hit(self, route: Route, body: bytes) -> Hit:
        """The request, now that its body is there."""
        return hit_of(route, self.head, body, self.peer)

    @property
    def owes(self) -> bool:
        """Whether the answer is not out yet: the connection ends with it."""
        return True

    def expire(self) -> None:
        """Its time is up."""
        self.abort()

    def close_idle(self) -> None:
        """It owes an answer, unless that is a stream, which may have no end."""
        if self._streams:
            self.abort()

    def stream(self) -> None:
        """An answer begins that takes as long as it takes; who sends it sees to its times."""
        self._streams = True
        self._sends = asyncio.current_task()
        self.deadline = float("inf")
        self.answered(Route.PAGE, Outcome.PAGE)
        self._release()

    def abort(self) -> None:
        """Close it whatever it owes, and whether or not the client reads."""
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Let a body's reader know at once of a chunk that is malformed, and cut off endless ones.

        aiohttp queues the error behind the request, whose handler would wait for its body until
        the deadline.
        """
        if self._counted:
            self._swallowed += len(data)
            if self._swallowed > MOST_SWALLOWED:
                self.abort()
                return
        super().data_received(data)
        if self._body is None and self._messages:
            self._body = self._messages[0][1]
        if (
            self._body is not None
            and self._messages
            and isinstance(self._messages[-1][0], _ErrInfo)
        ):
            self._body.set_exception(web.RequestPayloadError("malformed"))

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the way to the answer open, if its request came whole: aiohttp would close.

        A stream has no end: whoever closes it reads no more.
        """
        return not self._streams and self._body is not None and self._body.is_eof()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count a request whose client left, and end a stream.

        With its next part it would end by itself, and one that is passed on would keep its
        connection to the stats server until then.
        """
        super().connection_lost(exc)
        if self._sends is not None:
            self._sends.cancel()
        if not self._counted:
            self._counted = True
            self._shared.counts.abort()
        self._release()
        self._shared.leave(self)

    def _release(self) -> None:
        """Its request is answered as far as the bound on requests under way goes."""
        self._shared.in_flight.held -= self._held
        self._held = 0

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what aiohttp cannot read, without its log line: that shows the peer's address."""
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:  # the gate has found the head to be good
            response = _refused(self, status, "the body is malformed")
        else:
            if not isinstance(exc, ConnectionError):  # a client that left is no fault of ours
                _log.error("a page failed", exc_info=exc)
            detail = "an error of ours; it was logged"
            self.answered(Route.PAGE, Outcome.PAGE)
            # Always 500: for aiohttp a `TimeoutError` is a 504, as if this were a gateway.
            headers = cors.on_api(self.head.path)
            response = to_response(problem(500, detail, Route.PAGE, Outcome.PAGE, headers=headers))
        response.force_close()
        return response


def _silent() -> logging.Logger:
    """Keep aiohttp's own lines out of the log: they show addresses and raw bytes."""
    logger = logging.Logger("aiohttp", logging.CRITICAL + 1)
    logger.disabled = True
    return logger


_SILENT = _silent()


class SlowLane:
    """Takes connections over from the gate."""

    def __init__(self, shared: Shared, routes: Routes) -> None:
        self._shared = shared
        app = web.Application(middlewares=[self._answer], client_max_size=shared.config.max_body)
        app.on_response_prepare.append(_prepared)
        self._beacons = routes.beacons
        for path, methods in routes.pages.items():
            for method, handler in methods.items():
                app.router.add_route(method, path, self._adapted(handler))
        for path, streamed in routes.streams.items():
            for method in ("GET", "HEAD"):
                app.router.add_route(method, path, self._streamed(streamed))
        if routes.elsewhere is not None:
            app.router.add_route("*", "/{path:.*}", self._streamed(routes.elsewhere))
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=_LEFT_OVER
        )

    async def start(self) -> None:
        """Get ready to take connections."""
        await self._runner.setup()
        self._shared.slow_lane = self.take

    async def close(self) -> None:
        """Let go of aiohttp's side."""
        await self._runner.cleanup()

    def take(
        self,
        transport: asyncio.Transport,
        head: Head,
        peer: Peer,
        raw: bytes,
        rest: bytes,
    ) -> None:
        """Go on with a connection whose head is `raw`, and what came of its body `rest`.

        One after the other: with both at once aiohttp would take a malformed body for a malformed
        head, and answer in HTTP/1.0.
        """
        server = self._runner.server
        assert server is not None  # noqa: S101 (started)
        held = cost(head, raw, self._shared.config.max_body) + AIOHTTP
        handler = SlowHandler(server, self._shared, head, peer, held)
        self._shared.adopt(handler)
        handler.connection_made(transport)
        transport.set_protocol(handler)
        handler.data_received(raw)
        if rest:
            handler.data_received(rest)

    def _adapted(self, handler: Handler) -> AiohttpHandler:
        async def adapted(request: web.Request) -> web.StreamResponse:
            protocol = cast(SlowHandler, request.protocol)
            answer = await handler(protocol.hit(protocol.route, await self._body(request)))
            protocol.answered(answer.route, answer.outcome)
            return to_response(answer)

        return adapted

    def _streamed(self, handler: Streamed) -> AiohttpHandler:
        async def streamed(request: web.Request) -> web.StreamResponse:
            protocol = cast(SlowHandler, request.protocol)
            hit = protocol.hit(Route.PAGE, await self._body(request))
            response = await handler(hit, request)
            protocol.answered(Route.PAGE, Outcome.PAGE)
            return response

        return streamed

    def _beacon(self, request: web.Request, head: Head) -> AiohttpHandler | None:
        """The handler of a beacon; None for a page. Raises what aiohttp's router would."""
        methods = self._beacons.get(self._shared.route_of(head.path))
        if methods is None:
            # Paths match raw: the router would take /opt%2Dout for /opt-out.
            if request.path != head.path:
                raise web.HTTPNotFound
            return None
        if request.method not in methods:
            raise web.HTTPMethodNotAllowed(request.method, methods)
        return self._adapted(methods[request.method])

    async def _body(self, request: web.Request) -> bytes:
        try:
            async with asyncio.timeout(self._shared.config.body_timeout):
                return await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None

    @web.middleware
    async def _answer(
        self,
        request: web.Request,
        handler: AiohttpHandler,
    ) -> web.StreamResponse:
        """Turn what aiohttp raises into problem documents; end the connection after the answer."""
        protocol = cast(SlowHandler, request.protocol)
        try:
            response = await (self._beacon(request, protocol.head) or handler)(request)
        except web.HTTPRequestEntityTooLarge:
            limit = self._shared.config.max_body
            response = _refused(protocol, 413, f"the body has more than {limit} bytes")
        except web.HTTPRequestTimeout:
            response = _refused(protocol, 408, "the body did not come in time")
        except web.HTTPException as error:
            response = _refused(protocol, error.status, _detail(error), _allow(error))
        except web.RequestPayloadError:
            response = _refused(protocol, 400, "the body is malformed")
        response.force_close()
        return response


async def _prepared(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop("Server", None)
    if not isinstance(response, web.Response):
        cast(SlowHandler, request.protocol).stream()


def _refused(
    protocol: SlowHandler, status: int, detail: str, headers: tuple[Header, ...] = ()
) -> web.Response:
    route = protocol.route
    if route is Route.EVENTS:
        headers = (*headers, *cors.with_credentials(protocol.head))
    headers = (*headers, *cors.on_api(protocol.head.path))
    known = route is not Route.NONE
    # A path that is none of ours is a page that does not exist; everything else was refused.
    missing = status == HTTPStatus.NOT_FOUND and not known
    outcome = Outcome.PAGE if missing else Outcome.REFUSED
    counted = route if known else (Route.NONE if missing else Route.PAGE)
    if missing and asks_for_page(protocol.head.headers):
        answer = nothing(protocol.head.path)
    else:
        answer = problem(status, detail, counted, outcome, headers=headers)
    protocol.answered(answer.route, answer.outcome)
    return to_response(answer)


def _detail(error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return "the method is not allowed here; Allow names those that are"
    if isinstance(error, web.HTTPNotFound):
        return "there is nothing at this path"
    return error.reason


def _allow(error: web.HTTPException) -> tuple[Header, ...]:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return (("Allow", ", ".join(sorted(error.allowed_methods))),)
    return ()
