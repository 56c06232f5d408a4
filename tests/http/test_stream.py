"""The stream of who is there now: what viewers are told, and what they may cost."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from ingest.http.slow_lane import SlowHandler
from ingest.http.stream import Pace
from ingest.outcome import Outcome, Route
from ingest.stats.queries import Now
from tests.http.harness import NOW, Harness, harness
from tests.stats.support import event
from tests.support.sse import watch
from tests.support.wait import until_async

SITE = "shop.example"
QUICK = Pace(tick=0.01, look=0.03, comment=3600.0, slow=3600.0)
TOKEN = "a-long-random-word"


@pytest.fixture
async def server(tmp_path):
    async with harness(tmp_path, QUICK, stats={"max_viewers": 3, "max_streams": 4}) as made:
        yield made
        assert made.balanced()


async def arrive(server: Harness, *visitors: int, site: str = SITE) -> None:
    await server.keeper.apply(
        [event(NOW, visitor, received=NOW, site=site) for visitor in visitors]
    )


def handlers(server: Harness) -> list[SlowHandler]:
    return [each for each in server.shared.connections if isinstance(each, SlowHandler)]


async def test_a_viewer_is_told_at_once_and_at_every_change(server):
    await arrive(server, 1)
    async with watch(server.port, SITE, "Last-Event-ID: 7") as viewer:
        assert viewer.status == 200
        assert await viewer.block() == "retry: 5000"
        first = await viewer.now()
        assert first["now"] == 1
        assert first == (await server.get(f"/api/v1/sites/{SITE}/now")).json()
        await arrive(server, 2, 3)
        assert (await viewer.now())["now"] == 3


class Turned:
    """The loop's clock as the stream sees it, turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self._real = asyncio.get_running_loop()
        self._due: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], None]) -> None:
        self._due.append((self.now + delay, call))

    def create_future(self) -> "asyncio.Future[None]":
        return self._real.create_future()

    def turn(self, seconds: float) -> None:
        """Let time pass, and what is due by then happen."""
        until = self.now + seconds
        while due := [each for each in self._due if each[0] <= until]:
            first = min(due, key=lambda each: each[0])
            self._due.remove(first)
            self.now = first[0]
            first[1]()
        self.now = until


async def test_a_change_is_told_at_the_next_look_a_second_later_at_most(server, monkeypatch):
    """With the pace that servers have, whenever in between the visit is counted.

    It is half of what the live page promises: that it shows a visit within 2 s. The other half is
    that it shows it with the first message (tests/browser/test_live.py).
    """
    clock = Turned()
    monkeypatch.setattr(server.api.stream, "_loop", clock)
    monkeypatch.setattr(server.api.stream, "_pace", Pace())
    async with watch(server.port, SITE) as viewer:
        assert (await viewer.now())["now"] == 0
        (watched,) = server.api.stream._watched.values()
        for visitor, sixteenths in enumerate((1, 8, 15, 16), 1):  # exact in binary
            clock.turn(1.0 - sixteenths / 16)
            await arrive(server, visitor)
            clock.turn((sixteenths - 1) / 16)
            assert watched.sent == visitor - 1  # not yet
            clock.turn(1 / 16)  # a second since the last look
            assert watched.sent == clock.now == visitor
            assert (await viewer.now())["now"] == visitor


async def test_a_number_that_is_not_of_the_last_event_is_asked_for_again(server, monkeypatch):
    """Of many thousands online it is good for a while: what came meanwhile is told a look later."""
    clock = Turned()
    monkeypatch.setattr(server.api.stream, "_loop", clock)
    monkeypatch.setattr(server.api.stream, "_pace", Pace())
    monkeypatch.setattr("ingest.stats.answers._GOOD_FOR", 2_000)
    await arrive(server, *range(2_000))
    async with watch(server.port, SITE) as viewer:
        assert (await viewer.now())["now"] == 2_000
        await arrive(server, 2_000)  # the counts' clock stands still: they say what they said
        clock.turn(1.0)
        (watched,) = server.api.stream._watched.values()
        assert (watched.looked, watched.sent) == (1.0, 0.0)
        server.keeper.stats.site(SITE).online = None  # it is good no more
        clock.turn(1.0)
        assert watched.sent == 2.0
        assert (await viewer.now())["now"] == 2_001


async def test_what_is_sent_is_an_event_stream_that_nobody_keeps(server):
    async with watch(server.port, SITE) as viewer:
        head = viewer.head.lower()
    for line in (
        "content-type: text/event-stream",
        "cache-control: no-store",
        "access-control-allow-origin: *",
        "connection: close",
        "x-accel-buffering: no",
    ):
        assert f"\r\n{line}\r\n" in head
    assert "server:" not in head


async def test_an_old_client_is_told_without_chunks(server):
    async with watch(server.port, SITE, version="1.0") as viewer:
        assert not viewer.chunked
        assert (await viewer.now())["now"] == 0
        await arrive(server, 1)
        assert (await viewer.now())["now"] == 1


async def test_nothing_is_said_while_nothing_changes_but_a_comment(tmp_path):
    pace = Pace(tick=0.01, look=0.01, comment=0.05)
    async with harness(tmp_path, pace) as server, watch(server.port, SITE) as viewer:
        await viewer.now()
        assert [await viewer.block() for _ in range(3)] == [":"] * 3


async def test_an_outage_is_told_though_nothing_is_counted(server):
    async with watch(server.port, SITE) as viewer:
        assert "delayed_since" not in await viewer.now()
        server.lag.caught_up(NOW - 60_000)
        server.lag.behind(NOW)
        assert "delayed_since" in await viewer.now()


async def test_all_viewers_of_a_site_share_one_look_at_the_counts(server, monkeypatch):
    asked: list[str] = []
    answers = server.api.counts._queries
    look = type(answers).now

    def now(self: Any, site: str) -> Now:
        asked.append(site)
        return look(self, site)

    monkeypatch.setattr(type(answers), "now", now)
    monkeypatch.setattr(server.api.stream, "_pace", Pace(tick=0.01, look=3600.0))
    async with (
        watch(server.port, SITE) as one,
        watch(server.port, SITE) as two,
        watch(server.port, SITE) as three,
    ):
        for viewer in (one, two, three):
            await viewer.now()
        assert asked == [SITE]
        await arrive(server, 1)
        assert len({str(await viewer.now()) for viewer in (one, two, three)}) == 1
        assert asked == [SITE, SITE]


async def test_viewers_of_one_site_hear_nothing_of_another(server):
    async with watch(server.port, SITE) as ours, watch(server.port, "other") as theirs:
        await ours.now()
        await theirs.now()
        await arrive(server, 1, site="other")
        assert (await theirs.now())["site"] == "other"
        await arrive(server, 2)
        assert (await ours.now())["site"] == SITE


async def test_too_many_viewers_of_a_site_or_of_all_are_told_to_come_back(server):
    async with (
        watch(server.port, SITE) as one,
        watch(server.port, SITE),
        watch(server.port, SITE),
        watch(server.port, "other"),
    ):
        for full in (SITE, "third"):
            answer = await server.get(f"/api/v1/sites/{full}/stream")
            assert answer.status == 503
            assert answer.headers["retry-after"] == "5"
            assert answer.headers["content-type"] == "application/problem+json"
        assert await one.now()
    await until_async(lambda: server.api.stream.viewers == 0, what="the viewers to be forgotten")
    async with watch(server.port, SITE) as viewer:
        assert viewer.status == 200


async def test_who_leaves_is_forgotten_and_each_request_is_counted_once(server):
    async with watch(server.port, SITE) as viewer:
        await viewer.now()
        assert server.counts.answered[Route.PAGE, Outcome.PAGE] == 1
        assert server.counts.in_flight == 0
        assert server.shared.in_flight.held == 0
    await until_async(lambda: server.api.stream.viewers == 0)
    await until_async(lambda: not server.shared.connections)
    assert server.counts.answered[Route.PAGE, Outcome.PAGE] == 1
    assert server.counts.aborted == 0


async def test_who_does_not_read_is_left_behind_then_dropped_and_holds_little(tmp_path):
    pace = Pace(tick=0.002, look=3600.0, comment=3600.0, slow=0.3)
    async with (
        harness(tmp_path, pace) as server,
        watch(server.port, SITE) as quick,
        watch(server.port, SITE, receive=2_048) as slow,
    ):
        await quick.now()
        for handler in handlers(server):
            assert handler.transport is not None
            handler.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, 2_048
            )
        visitor, most = 0, 0

        async def dropped() -> bool:
            nonlocal visitor, most
            visitor += 1
            await arrive(server, visitor)
            assert await quick.now()
            sizes = [h.transport.get_write_buffer_size() for h in handlers(server) if h.transport]
            most = max(most, *sizes)
            return server.api.stream.viewers == 1

        await until_async(dropped, 60, "the slow viewer to be dropped")
        assert 0 < most < 1_024  # one event
        assert await slow.ended()
        await arrive(server, 10_000)
        assert (await quick.now())["now"] == visitor + 1


async def test_who_reads_again_is_told_how_it_is_by_then(server):
    async with watch(server.port, SITE) as viewer:
        await viewer.now()
        (watched,) = server.api.stream._watched.values()
        (seen,) = watched.viewers
        seen.behind = server.shared.loop.time()  # as if the last event had not been read
        assert (await viewer.now())["now"] == 0
        assert seen.behind is None


async def test_streams_end_with_the_server_and_when_the_sites_change(tmp_path):
    file = tmp_path / "sites.toml"
    file.write_text(f'[sites.closed]\ntoken = "{TOKEN}"\n')
    async with harness(tmp_path, QUICK, sites={"file": file}) as server:
        async with watch(server.port, "closed", f"Authorization: Bearer {TOKEN}") as viewer:
            await viewer.now()
            assert "access-control" not in viewer.head.lower()
            server.api.stream.close()
            assert await viewer.ended()
        given = await server.get(f"/live/closed?token={TOKEN}")
        cookie = given.headers["set-cookie"].partition(";")[0]
        async with watch(server.port, "closed", f"Cookie: {cookie}") as viewer:
            await viewer.now()
            server.public.stop_accepting()
            assert await viewer.ended()
        await until_async(lambda: not server.shared.connections)
