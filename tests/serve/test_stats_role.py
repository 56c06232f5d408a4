"""The stats role's API, stream and sites, asked directly and by way of a collector."""

import contextlib
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.kafka import Broker
from tests.support.metrics import scrape
from tests.support.raw import request
from tests.support.roles import Roles, counted, ping
from tests.support.server import Server
from tests.support.sse import watch
from tests.support.wait import until, until_async

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
TOKEN = "a-long-random-word"
OPEN = "[sites.shop]\npublic = true\n"
CLOSED = f'[sites.shop]\ntoken = "{TOKEN}"\n'
_WAIT = 90.0


@dataclass(frozen=True)
class Pair:
    """A collector, and the stats role that it passes pages on to; they share a sites file."""

    stats: Server
    collector: Server
    sites: Path

    @property
    def both(self) -> tuple[Server, Server]:
        return self.stats, self.collector

    def reload(self, text: str) -> None:
        """Have both read another file."""
        self.sites.write_text(text)
        for server in self.both:
            before = len(server.logged("sites file read again"))
            server.signal(signal.SIGHUP)
            until(lambda: len(server.logged("sites file read again")) > before)  # noqa: B023


@pytest.fixture
def pair(kafka: Broker, tmp_path: Path) -> Iterator[Pair]:
    sites = tmp_path / "sites.toml"
    sites.write_text(OPEN)
    listed = ("--set", f"sites.file={sites}")
    with contextlib.ExitStack() as stack:
        roles = Roles(tmp_path, kafka, stack)
        stats = roles.start("stats", "stats", *listed)
        address = ("--set", f"stats.url={stats.url}")
        yield Pair(stats, roles.start("collector", "collector", *listed, *address), sites)


def visited(pair: Pair, visitors: int) -> None:
    for number in range(visitors):
        ping(pair.collector, number, "shop")
    until(lambda: counted(pair.stats) >= visitors, _WAIT, "the pings to be counted")


def api(server: Server, what: str, **headers: str) -> tuple[int, Any]:
    answer = request(server.url, f"/api/v1/sites/shop/{what}", headers=headers)
    return answer.status, json.loads(answer.body)


def test_the_api_answers_the_same_by_way_of_the_collector(pair: Pair):
    visited(pair, 3)
    for what in ("stats", "stats?by=hour", "stats?by=browser&limit=1", "stats?by=week"):
        direct, passed = (api(server, what) for server in pair.both)
        assert direct == passed, what
    for server in pair.both:
        status, now = api(server, "now")
        assert (status, now["now"], now["peak"]["value"]) == (200, 3, 3)
        (row,) = api(server, "stats?by=browser")[1]["rows"]
        assert row == {"value": "Firefox", "pageviews": 3, "visitors": 3}
        assert request(server.url, "/api/v1/openapi.json").status == 200


async def test_the_stream_tells_of_visits_by_way_of_the_collector(pair: Pair):
    async with watch(pair.collector.port, "shop") as far, watch(pair.stats.port, "shop") as near:
        for viewer in (far, near):
            assert (await viewer.now())["now"] == 0
        visited(pair, 2)
        for viewer in (far, near):
            while (await viewer.now())["now"] < 2:
                pass
    await until_async(lambda: all(_forgotten(server) for server in pair.both), 60, "no viewers")


def _forgotten(server: Server) -> bool:
    metrics = scrape(server.admin_url)
    return metrics["beacon_connections_open"] == 0 == metrics.get("beacon_streams_open", 0.0)


def test_sighup_has_both_take_another_sites_file(pair: Pair):
    visited(pair, 1)
    pair.reload(CLOSED)
    for server in pair.both:
        assert api(server, "now")[0] == 401
        status, now = api(server, "now", Authorization=f"Bearer {TOKEN}")
        assert (status, now["now"]) == (200, 1)
        assert json.loads(request(server.url, "/badge/shop.json").body)["message"] == "–"
    pair.reload("[sites.other]\npublic = true\n")
    for server in pair.both:
        assert api(server, "now")[0] == 404
    assert request(pair.collector.url, "/p.gif?s=shop").outcome == "rejected"
    pair.reload(OPEN)
    assert [api(server, "now")[0] for server in pair.both] == [200, 200]


def test_a_bad_sites_file_leaves_the_stats_role_its_earlier_one(pair: Pair):
    pair.sites.write_text("[sites.shop]\npublic = sure\n")
    pair.stats.signal(signal.SIGHUP)
    (line,) = until(lambda: pair.stats.logged("sites file not taken, the earlier one holds"))
    assert "is not TOML" in line["reason"]
    assert api(pair.stats, "now")[0] == 200


async def test_a_viewer_who_may_not_read_any_more_is_sent_away(pair: Pair):
    async with watch(pair.collector.port, "shop") as viewer:
        await viewer.now()
        pair.reload(CLOSED)
        assert await viewer.ended()
    assert api(pair.collector, "stream")[0] == 401


def test_a_token_is_taken_for_a_cookie_by_way_of_the_collector(pair: Pair):
    pair.reload(CLOSED)
    given = request(pair.collector.url, f"/live/shop?token={TOKEN}")
    assert (given.status, given.headers["location"]) == (303, "/live/shop")
    cookie = given.headers["set-cookie"].partition(";")[0]
    for target in ("/live/shop", "/api/v1/sites/shop/now"):
        assert request(pair.collector.url, target).status == 401
        assert request(pair.collector.url, target, headers={"Cookie": cookie}).status == 200
