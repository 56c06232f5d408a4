"""aiohttp's lane: pages, chunked bodies, `Expect`, `Upgrade`; one request a connection."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from aiohttp import StreamReader, web
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from ingest.beacon.hit import Hit, Peer
from ingest.http import cors
from ingest.http.beacon_routes import route_of
from ingest.http.head import Head
from ingest.http.problem import problem
from ingest.http.reply import Header, Reply, to_response
from ingest.http.shared import Shared
from ingest.outcome import Outcome, Route

_log = logging.getLogger(__name__)
Handler = Callable[[Hit], Awaitable[Reply]]
AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Methods = Mapping[str, Handler]
"""Handlers by method."""


@dataclass(frozen=True, slots=True)
class Routes:
    """What this lane answers."""

    beacons: Mapping[Route, Methods]
    """Found by the raw path, as in the fast lane."""
    pages: Mapping[str, Methods]
    """By aiohttp's path pattern."""


class SlowHandler(RequestHandler):
    """aiohttp's handler of one connection, with the head as the gate read it."""

    __slots__ = ("_body", "_counted", "_shared", "deadline", "head", "peer")

    def __init__(self, server: web.Server, shared: Shared, head: Head, peer: Peer) -> None:
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
        self.deadline = shared.loop.time() + limits.body_timeout + limits.write_timeout

    def answered(self, route: Route, outcome: Outcome) -> None:
        """Count the request's answer, once."""
        if not self._counted:
            self._counted = True
            self._shared.counts.answer(route, outcome)

    @property
    def owes(self) -> bool:
        """Whether the answer is not out yet: the connection ends with it."""
        return True

    def expire(self) -> None:
        """Its time is up."""
        self.abort()

    def close_idle(self) -> None:
        """It owes an answer."""

    def abort(self) -> None:
        """Close it whatever it owes, and whether or not the client reads."""
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Let a body's reader know at once of a chunk that is malformed.

        aiohttp queues the error behind the request, whose handler would wait for its body until
        the deadline.
        """
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
        """Keep the way to the answer open, if its request came whole: aiohttp would close."""
        return self._body is not None and self._body.is_eof()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count a request whose client left."""
        super().connection_lost(exc)
        if not self._counted:
            self._counted = True
            self._shared.counts.abort()
        self._shared.leave(self)

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
            response = to_response(problem(500, detail, Route.PAGE, Outcome.PAGE))
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
        app.on_response_prepare.append(_without_server)
        self._beacons = routes.beacons
        for path, methods in routes.pages.items():
            for method, handler in methods.items():
                app.router.add_route(method, path, self._adapted(handler))
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)

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
        handler = SlowHandler(server, self._shared, head, peer)
        self._shared.adopt(handler)
        handler.connection_made(transport)
        transport.set_protocol(handler)
        handler.data_received(raw)
        if rest:
            handler.data_received(rest)

    def _adapted(self, handler: Handler) -> AiohttpHandler:
        async def adapted(request: web.Request) -> web.StreamResponse:
            protocol = cast(SlowHandler, request.protocol)
            head = protocol.head
            body = await self._body(request)
            hit = Hit(
                route_of(head.path),
                head.method,
                head.path,
                head.query,
                head.headers,
                body,
                protocol.peer,
            )
            answer = await handler(hit)
            protocol.answered(answer.route, answer.outcome)
            return to_response(answer)

        return adapted

    def _beacon(self, request: web.Request, head: Head) -> AiohttpHandler | None:
        """The handler of a beacon; None for a page. Raises what aiohttp's router would."""
        methods = self._beacons.get(route_of(head.path))
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


async def _without_server(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop("Server", None)


def _refused(
    protocol: SlowHandler, status: int, detail: str, headers: tuple[Header, ...] = ()
) -> web.Response:
    route = route_of(protocol.head.path)
    if route is Route.EVENTS:
        headers = (*headers, *cors.with_credentials(protocol.head.headers))
    known = route is not Route.NONE
    # A path that is none of ours is a page that does not exist; everything else was refused.
    missing = status == HTTPStatus.NOT_FOUND and not known
    outcome = Outcome.PAGE if missing else Outcome.REFUSED
    counted = route if known else (Route.NONE if missing else Route.PAGE)
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
