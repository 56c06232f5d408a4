"""Pages and API of a collector: the stats role has them, and what it answers is passed on.

Neither the visitor's address nor anything else about the visitor goes along, only what an answer
depends on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from ingest.beacon.hit import Hit
from ingest.http import cors, refused_pages
from ingest.http.access import PATH_LIVE
from ingest.http.api import PATH_SITES
from ingest.http.openapi import PATH_OPENAPI
from ingest.http.page import asks_for_page
from ingest.http.problem import problem
from ingest.http.reply import Header, Reply, to_response
from ingest.outcome import Outcome, Route

_CONNECT = 3.0
"""Seconds to reach it."""
_HEAD = 10.0
"""Seconds until its answer begins."""
_SILENCE = 60.0
"""Seconds between two parts of its answer; a stream sends a comment every 15."""
_AT_ONCE = 100
"""Requests under way at most, streams aside: viewers must not keep pages and API waiting.

No more than there may be streams, where these are few for want of descriptors.
"""
_METHODS = ("GET", "HEAD", "OPTIONS")
"""And `POST` for the form of private sites' pages, which changes nothing but a cookie."""
_ASKED = (
    "accept", "accept-encoding", "accept-language", "access-control-request-headers",
    "access-control-request-method", "authorization", "content-type", "if-modified-since",
    "if-none-match", "last-event-id", "origin", "sec-fetch-dest", "sec-fetch-mode",
    "sec-fetch-site",
)  # fmt: skip
"""Request headers that go along, and cookies but for these:"""
_OURS = (b"optout", b"uid")
_HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade",
}  # fmt: skip
"""RFC 9110, 7.6.1."""
_AWAY = "the stats server does not answer: pages and numbers are away, pings are taken all the same"
PASSED_ON = ("Via", "1.1 beacon-ingest")
"""Says that a collector asks (RFC 9110, 7.6.3), and no other one is to: it would go in circles."""
_MISTAKEN = "stats.url of the collector that asked names a collector; it must be the stats server's"
_MISLED = "the address in stats.url is a collector's: pages and numbers are the stats server's"
_FULL = "as many are watching already as may; ask /now from time to time, or try again"
_NOWHERE = "pages and API are the stats server's, and this collector was not told where: stats.url"
_log = logging.getLogger(__name__)


class Elsewhere:
    """Passes requests on to `stats.url`; without one, says that there is nothing here."""

    def __init__(self, url: str | None, write_timeout: float, streams: int) -> None:
        """`write_timeout`: seconds that a client may take to read a part of an answer.

        `streams`: how many may be open here, `stats.max_streams`.
        """
        self._url = url
        self._write_timeout = write_timeout
        self._most_streams = streams
        self._open_streams = 0
        self._pages: ClientSession | None = None
        self._streams: ClientSession | None = None
        self._away = False
        self._misled = False
        self._look: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Get ready; the stats server need not be there yet."""
        self._pages = _session(min(_AT_ONCE, self._most_streams))
        self._streams = _session(self._most_streams)
        if self._url is not None:
            self._look = asyncio.create_task(self._look_who_answers(self._pages, self._url))

    async def _look_who_answers(self, session: ClientSession, url: str) -> None:
        """Say at the start that it is a collector; whoever is away may come later."""
        with contextlib.suppress(ClientError, OSError, TimeoutError):
            async with asyncio.timeout(_HEAD), session.get(f"{url}{PATH_OPENAPI}") as answer:
                self._is_collector(answer)

    async def close(self) -> None:
        """End what is under way."""
        if self._look is not None:
            self._look.cancel()
            await asyncio.wait((self._look,))
        for session in (self._pages, self._streams):
            if session is not None:
                await session.close()

    async def __call__(self, hit: Hit, request: web.Request) -> web.StreamResponse:
        """Answer a request that no page here is for."""
        method = hit.method.decode("latin-1")
        methods = (*_METHODS, "POST") if hit.path.startswith(PATH_LIVE) else _METHODS
        if method not in methods:
            return to_response(_not_allowed(hit, methods))
        if passed_on(hit.headers):
            return to_response(_problem(hit, HTTPStatus.MISDIRECTED_REQUEST, _MISTAKEN))
        if not _is_stream(hit.path):
            return await self._ask(self._pages, method, hit, request)
        if self._open_streams >= self._most_streams:
            return to_response(_problem(hit, HTTPStatus.SERVICE_UNAVAILABLE, _FULL))
        self._open_streams += 1
        try:
            return await self._ask(self._streams, method, hit, request)
        finally:
            self._open_streams -= 1

    async def _ask(
        self, session: ClientSession | None, method: str, hit: Hit, request: web.Request
    ) -> web.StreamResponse:
        if self._url is None or session is None:
            return to_response(_nowhere(hit))
        target = f"{self._url}{hit.path}"
        if hit.query:
            target += f"?{hit.query.decode('latin-1')}"
        try:
            async with asyncio.timeout(_HEAD):
                answer = await session.request(
                    method,
                    URL(target, encoded=True),
                    headers=_asked(hit.headers),
                    data=hit.body or None,
                    allow_redirects=False,
                )
        except (ClientError, OSError, TimeoutError) as error:
            self._say_away(error)
            return to_response(_away(hit))
        self._away = False
        async with answer:
            if self._is_collector(answer):
                return to_response(_problem(hit, HTTPStatus.BAD_GATEWAY, _MISLED))
            return await self._pass_on(answer, request)

    async def _pass_on(self, answer: ClientResponse, request: web.Request) -> web.StreamResponse:
        """Send on what comes, as it comes."""
        response = web.StreamResponse(status=answer.status, headers=_answered(answer))
        response.force_close()
        try:
            async with asyncio.timeout(self._write_timeout):
                await response.prepare(request)
            async for part in answer.content.iter_any():
                async with asyncio.timeout(self._write_timeout):
                    await response.write(part)
            async with asyncio.timeout(self._write_timeout):
                await response.write_eof()
        except (ClientError, OSError, TimeoutError):
            # Its head is out: that the answer is not whole can only be shown by an early end.
            if request.transport is not None:
                request.transport.abort()
        return response

    def _is_collector(self, answer: ClientResponse) -> bool:
        """Whether it is none of the stats role's; said once."""
        misled = answer.status == HTTPStatus.MISDIRECTED_REQUEST
        if misled and not self._misled:
            fields = {"option": "stats.url", "reason": _MISLED}
            _log.error("stats.url names a collector", extra={"fields": fields})
        self._misled = misled
        return misled

    def _say_away(self, error: Exception) -> None:
        """Once for each outage."""
        if not self._away:
            self._away = True
            fields = {"option": "stats.url", "reason": type(error).__name__}
            _log.warning("the stats server does not answer", extra={"fields": fields})


def connections_for(streams: int) -> int:
    """How many connections to the stats server there may be with so many streams."""
    return streams + min(_AT_ONCE, streams)


def streams_within(connections: int) -> int:
    """How many streams there may be with so many connections, one at the least."""
    return max(connections - _AT_ONCE, connections // 2, 1)


def _session(at_once: int) -> ClientSession:
    return ClientSession(
        connector=TCPConnector(limit=at_once),
        timeout=ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE),
        auto_decompress=False,
        headers=dict([("User-Agent", "beacon-ingest"), PASSED_ON]),
        skip_auto_headers=("Accept", "Accept-Encoding"),
    )


def passed_on(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a collector asks."""
    hops = headers.get(b"via", b"").decode("latin-1").split(",")
    return PASSED_ON[1] in (hop.strip() for hop in hops)


def _is_stream(path: str) -> bool:
    return path.startswith(PATH_SITES) and path.endswith("/stream")


def _not_allowed(hit: Hit, methods: tuple[str, ...]) -> Reply:
    headers: tuple[Header, ...] = (("Allow", ", ".join(methods)), *cors.on_api(hit.path))
    detail = "the method is not allowed here; Allow names those that are"
    return problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, Route.PAGE, headers=headers)


def _nowhere(hit: Hit) -> Reply:
    if asks_for_page(hit.headers):
        return refused_pages.nothing(hit.path)
    return _problem(hit, HTTPStatus.NOT_FOUND, _NOWHERE)


def _away(hit: Hit) -> Reply:
    if asks_for_page(hit.headers):
        return refused_pages.away()
    return _problem(hit, HTTPStatus.BAD_GATEWAY, _AWAY)


def _problem(hit: Hit, status: HTTPStatus, detail: str) -> Reply:
    headers = cors.on_api(hit.path)
    return problem(status, detail, Route.PAGE, Outcome.PAGE, headers=headers)


def _asked(headers: Mapping[bytes, bytes]) -> CIMultiDict[str]:
    asked: CIMultiDict[str] = CIMultiDict()
    for name in _ASKED:
        value = headers.get(name.encode())
        if value is not None:
            asked[name] = value.decode("latin-1")
    pairs = (pair.strip() for pair in headers.get(b"cookie", b"").split(b";"))
    cookies = [pair for pair in pairs if pair and pair.partition(b"=")[0] not in _OURS]
    if cookies:
        asked["cookie"] = b"; ".join(cookies).decode("latin-1")
    return asked


def _answered(answer: ClientResponse) -> CIMultiDict[str]:
    named = answer.headers.get("Connection", "")
    dropped = _HOP_BY_HOP | {name.strip().lower() for name in named.split(",")}
    return CIMultiDict(
        (name, value) for name, value in answer.headers.items() if name.lower() not in dropped
    )
