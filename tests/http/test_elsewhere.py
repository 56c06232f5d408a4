"""A collector passes pages of the stats role on, and nothing of the visitor."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from ingest.http.elsewhere import Elsewhere
from ingest.http.openapi import PATH_OPENAPI
from ingest.outcome import Outcome, Route
from tests.http.harness import Harness, harness, request
from tests.support.kafka import free_ports
from tests.support.wait import until_async

SECRET = "s3cr3t-203.0.113.77"


@dataclass
class Upstream:
    """What stands behind `stats.url`."""

    url: str
    asked: list[web.BaseRequest] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == PATH_OPENAPI:  # who is there, a collector asks at its start
            return web.json_response({})
        self.asked.append(request)
        self.bodies.append(await request.read())
        if request.path.endswith("/stream"):
            return await self._stream(request)
        headers = {"Content-Encoding": "zstd", "X-Kept": "yes", "Keep-Alive": "timeout=9"}
        status = 404 if request.path == "/live/missing" else 200
        return web.Response(status=status, body=b"as it is", headers=headers)

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        await self.go_on.wait()
        await response.write(b"data: 2\n\n")
        return response


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    (port,) = free_ports(1)
    made = Upstream(f"http://127.0.0.1:{port}")
    runner = web.ServerRunner(web.Server(made.answer), shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield made
    finally:
        made.go_on.set()
        await runner.cleanup()


@asynccontextmanager
async def collector(directory, url: str | None, streams: int = 10) -> AsyncIterator[Harness]:
    elsewhere = Elsewhere(url, 20.0, streams)
    await elsewhere.start()
    try:
        async with harness(directory, elsewhere=elsewhere) as made:
            yield made
    finally:
        await elsewhere.close()


@pytest.fixture
async def stats():
    async with upstream() as made:
        yield made


@pytest.fixture
async def server(tmp_path, stats):
    async with collector(tmp_path, stats.url) as made:
        yield made


async def test_path_query_and_answer_pass_as_they_are(server, stats):
    answer = await server.get("/api/v1/sites/a/stats?from=2026-01-01T00%3A00%3A00Z&by=a%2Fb+c")
    assert (answer.status, answer.body) == (200, b"as it is")
    assert answer.headers["content-encoding"] == "zstd"
    assert answer.headers["x-kept"] == "yes"
    assert "keep-alive" not in answer.headers
    assert "server" not in answer.headers
    (asked,) = stats.asked
    assert asked.raw_path == "/api/v1/sites/a/stats?from=2026-01-01T00%3A00%3A00Z&by=a%2Fb+c"
    assert server.counts.answered[Route.PAGE, Outcome.PAGE] == 1
    assert server.balanced()


async def test_an_error_of_the_stats_role_passes_too(server):
    assert (await server.get("/live/missing")).status == 404


async def test_what_an_answer_depends_on_goes_along_and_nothing_else_of_the_visitor(server, stats):
    await server.get(
        "/live/x",
        Authorization="Bearer abc",
        Origin="https://a.example",
        Last_Event_ID="7",
        Cookie="uid=17; live=token; optout=0",
        X_Forwarded_For=SECRET,
        Forwarded=f"for={SECRET}",
        X_Real_IP=SECRET,
        User_Agent=SECRET,
        Referer=f"https://a.example/{SECRET}",
        CF_Connecting_IP=SECRET,
    )
    headers = stats.asked[0].headers
    assert headers["Authorization"] == "Bearer abc"
    assert headers["Origin"] == "https://a.example"
    assert headers["Last-Event-ID"] == "7"
    assert headers["Cookie"] == "live=token"
    assert SECRET not in str(headers)
    assert "127.0.0.1" not in str(headers).replace(headers["Host"], "")


async def test_a_stream_passes_part_by_part_and_ends_with_the_server(server, stats):
    async with server.connect() as client:
        await client.send(request("GET", "/live/stream"))
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert b"text/event-stream" in head
        assert b"data: 1" in await client.reader.readuntil(b"\n\n")
        assert server.counts.in_flight == 0
        stats.go_on.set()
        assert b"data: 2" in await client.reader.readuntil(b"\n\n")


async def test_many_viewers_keep_neither_pages_nor_further_viewers_waiting(tmp_path, stats):
    """Streams stay open: as many as are allowed, and one more is refused at once."""
    many = 120
    async with collector(tmp_path, stats.url, streams=many) as server, AsyncExitStack() as open_:
        for _ in range(many):
            client = await open_.enter_async_context(server.connect())
            await client.send(request("GET", "/api/v1/sites/a/stream"))
            await client.reader.readuntil(b"data: 1\n\n")
        refused = await server.get("/api/v1/sites/a/stream")
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert refused.headers["access-control-allow-origin"] == "*"
        assert len(stats.asked) == many
        assert (await server.get("/live/a")).status == 200
        assert (await server.get("/api/v1/sites/a/now")).status == 200


async def test_a_viewer_who_leaves_leaves_room_at_once(tmp_path, stats):
    """Though the stats role has nothing to say meanwhile."""

    async def watches() -> bool:
        async with server.connect() as client:
            await client.send(request("GET", "/api/v1/sites/a/stream"))
            head = await client.reader.readuntil(b"\r\n\r\n")
            return head.startswith(b"HTTP/1.1 200")

    async with collector(tmp_path, stats.url, streams=1) as server:
        for _ in range(3):
            await until_async(watches, what="room for a viewer")
        await until_async(lambda: not server.shared.connections)
        assert server.balanced()


async def test_a_stop_ends_streams(server):
    async with server.connect() as client:
        await client.send(request("GET", "/live/stream"))
        await client.reader.readuntil(b"data: 1\n\n")
        server.public.stop_accepting()
        async with asyncio.timeout(20):  # the other server has yet to say that it ends
            await server.public.finish(10.0)
        assert not server.shared.connections
    assert server.balanced()


async def test_an_answer_that_breaks_off_is_not_passed_as_whole(server, stats):
    async with server.connect() as client:
        await client.send(request("GET", "/live/stream"))
        await client.reader.readuntil(b"data: 1\n\n")
        stats.asked[0].transport.abort()
        rest = b""
        while piece := await client.reader.read(1_000):
            rest += piece
        assert not rest.endswith(b"0\r\n\r\n")


async def test_a_head_is_asked_for_as_such(server, stats):
    answer = await server.send(request("HEAD", "/live/x"), method=b"HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert stats.asked[0].method == "HEAD"


async def test_nothing_is_changed_by_way_of_a_collector(server, stats):
    answer = await server.post(b"x=1", "/api/v1/sites/x/now", Origin="https://a.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert stats.asked == []


@pytest.mark.parametrize("path", ["/opt-out", "/opt-out/status", "/w.js", "/demo", "/robots.txt"])
async def test_what_needs_no_counts_is_answered_here(server, stats, path):
    assert (await server.get(path)).status == 200
    assert stats.asked == []


async def test_a_stats_role_that_is_away_is_said_once_without_its_address(tmp_path, caplog):
    (port,) = free_ports(1)
    async with collector(tmp_path, f"http://127.0.0.1:{port}") as server:
        for _ in range(2):
            answer = await server.get("/live/x")
            assert (answer.status, answer.json()["title"]) == (502, "Bad Gateway")
            assert "the stats server does not answer" in answer.json()["detail"]
            assert str(port) not in answer.body.decode()
        assert (await server.get("/p.gif?s=x")).outcome == "stored"
        assert server.balanced()
    assert len([1 for record in caplog.records if "stats server" in record.message]) == 1


async def test_an_address_that_is_a_collectors_is_said_at_the_start_and_in_each_answer(
    tmp_path, stats, caplog
):
    async with (
        collector(tmp_path / "far", stats.url) as far,
        collector(tmp_path / "near", f"http://127.0.0.1:{far.port}") as near,
    ):
        await until_async(lambda: "stats.url names a collector" in caplog.messages)
        for path in ("/live/x", "/api/v1/sites/x/now", "/api/v1/sites/x/stream"):
            answer = await near.get(path)
            assert (answer.status, answer.json()["title"]) == (502, "Bad Gateway")
            assert "the address in stats.url is a collector's" in answer.json()["detail"]
        assert caplog.messages.count("stats.url names a collector") == 1
        assert stats.asked == []
        assert far.balanced()
        assert near.balanced()


async def test_a_collector_that_is_to_ask_itself_does_not_go_in_circles(tmp_path):
    (port,) = free_ports(1)
    elsewhere = Elsewhere(f"http://127.0.0.1:{port}", 20.0, 10)
    async with harness(tmp_path, elsewhere=elsewhere) as server:
        elsewhere._url = f"http://127.0.0.1:{server.port}"
        await elsewhere.start()
        answer = await server.get("/live/x")
        assert answer.status == 502
        assert server.counts.received == 3  # the look at the start, this one, and its own
        await elsewhere.close()


async def test_a_proxy_on_the_way_may_say_so_too(server, stats):
    answer = await server.get("/live/x", Via="1.1 edge, 1.1 beacon-ingest, 1.1 inner")
    assert answer.status == 421
    assert (await server.get("/live/x", Via="1.1 edge, 1.1 other")).status == 200


async def test_without_an_address_there_is_nothing_here(tmp_path):
    async with collector(tmp_path, None) as server:
        answer = await server.get("/live/x")
        assert answer.status == 404
        assert "stats.url" in answer.json()["detail"]
        assert 'action="/live"' not in (await server.get("/")).body.decode()


@pytest.mark.parametrize("away", [True, False], ids=["away", "nowhere"])
async def test_browsers_are_told_in_words_and_programs_by_cors(tmp_path, away):
    url = f"http://127.0.0.1:{free_ports(1)[0]}" if away else None
    async with collector(tmp_path, url) as server:
        answer = await server.get("/live/x", Accept="text/html")
        assert answer.status == (502 if away else 404)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "The numbers are away" in answer.body.decode() or not away
        answer = await server.get("/api/v1/sites/x/now")
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_the_form_for_a_token_passes(server, stats):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await server.post(b"token=abc", "/live/x", Cookie="uid=7", **form)
    assert answer.status == 200
    (asked,) = stats.asked
    assert (asked.method, stats.bodies) == ("POST", [b"token=abc"])
    assert asked.headers["content-type"] == form["Content-Type"]
    assert "cookie" not in asked.headers


@pytest.mark.parametrize("number", [None, 0, 1_234])
async def test_badges_show_the_number(tmp_path, number):
    async with harness(tmp_path, online=lambda site: number if site == "a.example" else 9) as made:
        badge = await made.get("/badge/A.example.svg")
        shown = "–" if number is None else f"{max(number, 1):,}"  # one looks at it
        assert f"{shown} online" in badge.body.decode()
        json = await made.get("/badge/a.example.json")
        assert json.json()["message"] == ("–" if number is None else f"{number:,}")
