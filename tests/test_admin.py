"""The operators' port: metrics, liveness, readiness."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily

from ingest.admin import AdminListener, Health
from ingest.config import Admin
from tests.support.metrics import Metrics, scrape
from tests.support.raw import Answer, request
from tests.support.server import start_server
from tests.support.wait import until


@dataclass(eq=False)
class Source:
    """A number that metrics read, and a reason why pings cannot be stored."""

    value: float = 0
    trouble: str | None = None
    reads: list[float] = field(default_factory=list)

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> list[GaugeMetricFamily]:
        self.reads.append(self.value)
        return [GaugeMetricFamily("beacon_test", "A number.", value=self.value)]


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def admin(source: Source) -> AsyncIterator[AdminListener]:
    registry = CollectorRegistry()
    registry.register(source)  # type: ignore[arg-type]
    listener = AdminListener(Admin(port=0), registry, Health(lambda: source.trouble))
    await listener.start()
    yield listener
    await listener.close()


async def _get(admin: AdminListener, target: str, **headers: str) -> Answer:
    return await asyncio.to_thread(request, admin.url, target, headers=headers)


async def test_metrics_are_read_anew_at_each_scrape(admin: AdminListener, source: Source):
    source.value = 1
    assert Metrics((await _get(admin, "/metrics")).body.decode())["beacon_test"] == 1
    source.value = 2
    assert Metrics((await _get(admin, "/metrics")).body.decode())["beacon_test"] == 2
    assert source.reads == [1, 2]


async def test_metrics_come_in_the_format_that_is_asked_for(admin: AdminListener):
    plain = await _get(admin, "/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=")
    openmetrics = await _get(admin, "/metrics", Accept="application/openmetrics-text")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.body.endswith(b"# EOF\n")


async def test_readiness_follows_and_says_why(admin: AdminListener, source: Source):
    ready = await _get(admin, "/readyz")
    assert (ready.status, ready.body) == (200, b"ready\n")
    source.trouble = "the disk is full"
    away = await _get(admin, "/readyz")
    assert (away.status, away.body) == (503, b"not ready: the disk is full\n")
    source.trouble = None
    assert (await _get(admin, "/readyz")).status == 200


async def test_liveness_does_not_depend_on_it(admin: AdminListener, source: Source):
    source.trouble = "kafka is away"
    alive = await _get(admin, "/healthz")
    assert (alive.status, alive.body) == (200, b"ok\n")


async def test_nothing_else_is_there(admin: AdminListener):
    for target in ("/", "/p.gif?s=a", "/e", "/opt-out", "/metrics/"):
        assert (await _get(admin, target)).status == 404


async def test_a_taken_port_is_said_with_its_number():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listener = AdminListener(Admin(port=port), CollectorRegistry(), Health(lambda: None))
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1, port {port}: "):
            await listener.start()
        await listener.close()


async def test_an_ipv6_address_is_written_in_brackets():
    listener = AdminListener(Admin(host="::1", port=0), CollectorRegistry(), Health(lambda: None))
    try:
        await listener.start()
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    assert listener.url.startswith("http://[::1]:")
    await listener.close()


def test_the_public_port_shows_none_of_it(tmp_path: Path):
    with start_server(tmp_path) as server:
        for target in ("/metrics", "/healthz", "/readyz"):
            assert request(server.url, target).status == 404
            assert request(server.admin_url, target).status == 200


def test_without_kafka_pings_are_spooled_and_it_is_ready(tmp_path: Path):
    flags = ("--kafka", "127.0.0.1:1", "--set", "spool.min_free=0")
    with start_server(tmp_path, *flags) as server:
        assert request(server.admin_url, "/readyz").status == 200
        ping = request(server.url, "/p.gif?s=a")
        assert (ping.status, ping.outcome) == (200, "stored")
        metrics = scrape(server.admin_url)
        assert metrics["beacon_kafka_ready"] == 0
        assert metrics["beacon_spool_events_waiting"] == 1
        metrics.check_ledger()


def test_without_kafka_and_with_a_full_spool_it_is_not_ready_and_sheds(tmp_path: Path):
    flags = ("--kafka", "127.0.0.1:1", "--set", "spool.max_bytes=0")
    with start_server(tmp_path, *flags) as server:
        ping = request(server.url, "/p.gif?s=a")
        assert (ping.status, ping.outcome) == (503, "shed")
        assert int(ping.headers["retry-after"]) > 0
        away = until(lambda: _not_ready(server.admin_url), 10, "readiness to go away")
        assert away.body.startswith(b"not ready: the spool: no room")
        assert request(server.admin_url, "/healthz").status == 200
        (said,) = until(lambda: server.logged("pings cannot be stored"), 10, "the line")
        assert said["reason"] == "the spool: no room for segments"
        metrics = scrape(server.admin_url)
        assert metrics["beacon_ready"] == 0
        assert metrics["beacon_events_shed_total"] == 1
        metrics.check_ledger()


def _not_ready(admin_url: str):
    answer = request(admin_url, "/readyz")
    return answer if answer.status == 503 else None


def test_a_full_store_is_not_ready(tmp_path: Path):
    with start_server(tmp_path, "--set", "store.max_bytes=0") as server:
        ping = request(server.url, "/p.gif?s=a")
        assert (ping.status, ping.outcome) == (503, "shed")
        until(
            lambda: request(server.admin_url, "/readyz").status == 503, 10, "readiness to go away"
        )
        assert request(server.admin_url, "/healthz").status == 200
        scrape(server.admin_url).check_ledger()
