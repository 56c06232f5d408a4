"""deploy/nginx/ingest.conf in a real nginx, before a server that says what reached it."""

import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from tests.support import nginx
from tests.support.nginx import HOST, Nginx
from tests.support.wait import until_async

CLIENT = "127.0.0.77"
"""Ours: the loopback network has more addresses than one."""
FORGED = "203.0.113.9"


@dataclass
class Echo:
    """Remembers requests, answers as the collector would."""

    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)
    status: int = 200

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername"))
        self.bodies.append(await request.read())
        opted_out = "optout=1" in request.headers.get("Cookie", "")
        headers = {"Beacon-Outcome": "opted-out" if opted_out else "stored"}
        if self.status == 503:
            headers["Retry-After"] = "2"
        return web.Response(status=self.status, headers=headers)


@pytest.fixture
async def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo, tmp_path: Path) -> AsyncIterator[Nginx]:
    application = web.Application(client_max_size=1 << 20, handler_args={"max_field_size": 32_768})
    application.router.add_route("*", "/{path:.*}", echo.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    with nginx.running(nginx.prepare(tmp_path / "nginx", port)) as running:
        yield running
    await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]


async def ask(
    proxy: Nginx,
    target: str = "/p.gif?s=example",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    scheme: str = "https",
) -> Answer:
    """Send one request from `CLIENT` on a connection of its own."""
    context = ssl.create_default_context(cafile=proxy.certificate)
    connector = aiohttp.TCPConnector(
        local_addr=(CLIENT, 0), resolver=_Here(), ssl=context, force_close=True
    )
    port = proxy.https if scheme == "https" else proxy.http
    async with (
        aiohttp.ClientSession(connector=connector, skip_auto_headers=["User-Agent"]) as session,
        session.request(
            method,
            f"{scheme}://{HOST}:{port}{target}",
            headers=CIMultiDict(headers or {}),
            data=body,
            allow_redirects=False,
        ) as answer,
    ):
        return Answer(answer.status, answer.headers)


class _Here(aiohttp.abc.AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: int = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
        ]

    async def close(self) -> None:
        pass


def test_nginx_takes_the_file_without_a_warning(tmp_path: Path) -> None:
    said = nginx.check(nginx.prepare(tmp_path / "nginx", 8080))
    assert "test is successful" in said
    assert "[warn]" not in said


async def test_the_collector_is_told_the_clients_address_and_scheme(
    proxy: Nginx, echo: Echo
) -> None:
    assert (await ask(proxy)).status == 200
    (request,) = echo.requests
    assert request.headers.getall("X-Forwarded-For") == [CLIENT]
    assert request.headers.getall("X-Forwarded-Proto") == ["https"]
    assert request.headers["Host"] == HOST


@pytest.mark.parametrize("spelling", ["X-Forwarded-For", "x-forwarded-for", "X-FORWARDED-FOR"])
async def test_what_a_client_says_of_its_way_is_replaced(
    proxy: Nginx, echo: Echo, spelling: str
) -> None:
    forged = {
        spelling: FORGED,
        "X-Forwarded-Proto": "http",
        "Forwarded": f"for={FORGED};proto=http",
    }
    await ask(proxy, headers=forged)
    (request,) = echo.requests
    assert request.headers.getall("X-Forwarded-For") == [CLIENT]
    assert request.headers.getall("X-Forwarded-Proto") == ["https"]
    assert "Forwarded" not in request.headers
    assert FORGED not in str(request.headers)


async def test_no_log_holds_an_address_or_who_it_was(proxy: Nginx, echo: Echo) -> None:
    headers = {
        "User-Agent": "agent-of-a-visitor",
        "Referer": "https://where.they.were/",
        "Cookie": "uid=12345",
        "X-Forwarded-For": FORGED,
    }
    await ask(proxy, "/badge/example.svg?u=https://where.they.are/", headers=headers)
    await until_async(lambda: proxy.access_log)
    (line,) = proxy.access_log
    assert "GET /badge/example.svg 200" in line
    for secret in (CLIENT, FORGED, "agent-of-a-visitor", "where.they", "12345"):
        assert secret not in proxy.logs()


async def test_errors_leave_no_address_in_a_log(proxy: Nginx, echo: Echo) -> None:
    """Of a kind that nginx logs at every level from info to crit, with the client's address."""
    await ask(proxy, method="POST", target="/e", body=bytes(200_000))  # too large
    with socket.create_connection(("127.0.0.1", proxy.https), source_address=(CLIENT, 0)) as raw:
        raw.sendall(b"\x16\x03\x01\x00\x05garbage, no handshake")
        while raw.recv(1024):
            pass
    with socket.create_connection(("127.0.0.1", proxy.http), source_address=(CLIENT, 0)) as raw:
        raw.sendall(b"no request at all\r\n\r\n")
        while raw.recv(1024):
            pass
    await until_async(lambda: len(proxy.access_log) == 1)
    assert CLIENT not in proxy.logs()


async def test_a_collector_that_is_away_leaves_no_address_in_a_log(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, not listening: refuses
        taken.bind(("127.0.0.1", 0))
        with nginx.running(nginx.prepare(tmp_path / "nginx", taken.getsockname()[1])) as proxy:
            assert (await ask(proxy)).status == 502
            await until_async(lambda: proxy.access_log)
            assert CLIENT not in proxy.logs()


async def test_a_visit_that_is_opted_out_of_leaves_no_line(proxy: Nginx, echo: Echo) -> None:
    await ask(proxy, headers={"Cookie": "optout=1"})
    await ask(proxy, "/p.gif?s=other")
    await until_async(lambda: proxy.access_log)
    assert len(echo.requests) == 2
    assert len(proxy.access_log) == 1


async def test_plain_http_is_sent_to_https_and_logged_nowhere(proxy: Nginx, echo: Echo) -> None:
    answer = await ask(proxy, "/live/example?a=%20b", scheme="http")
    assert answer.status == 301
    assert answer.headers["Location"] == f"https://{HOST}/live/example?a=%20b"
    assert echo.requests == []
    assert proxy.access_log == []


async def test_a_path_reaches_the_collector_as_it_was_sent(proxy: Nginx, echo: Echo) -> None:
    with ssl.create_default_context(cafile=proxy.certificate).wrap_socket(
        socket.create_connection(("127.0.0.1", proxy.https)), server_hostname=HOST
    ) as raw:
        raw.sendall(
            b"GET //p%2Egif?s=a&u=%E4+%2B HTTP/1.1\r\nHost: beacon.example\r\n"
            b"Connection: close\r\n\r\n"
        )
        await until_async(lambda: echo.requests)
    assert echo.requests[0].raw_path == "//p%2Egif?s=a&u=%E4+%2B"


async def test_bodies_and_heads_within_the_collectors_bounds_pass(proxy: Nginx, echo: Echo) -> None:
    assert (await ask(proxy, "/e", method="POST", body=bytes(65_536))).status == 200
    assert (await ask(proxy, "/p.gif?s=a&u=" + "a" * 8_000)).status == 200
    assert (await ask(proxy, headers={"Cookie": "c=" + "c" * 12_000})).status == 200
    assert echo.bodies[0] == bytes(65_536)


async def test_a_503_passes_with_its_retry_after_and_is_not_tried_again(
    proxy: Nginx, echo: Echo
) -> None:
    echo.status = 503
    answer = await ask(proxy, "/e", method="POST", body=b"{}")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert len(echo.requests) == 1


async def test_connections_to_the_collector_are_kept(proxy: Nginx, echo: Echo) -> None:
    for _ in range(10):
        await ask(proxy)
    assert len(echo.connections) == 1
    assert {request.headers.get("Connection") for request in echo.requests} == {None}
