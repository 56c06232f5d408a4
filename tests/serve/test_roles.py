"""Collector and stats role apart, on one Kafka."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kafka import Broker
from tests.support.metrics import scrape
from tests.support.raw import request
from tests.support.roles import Roles, counted, delayed, online, ping
from tests.support.server import Server
from tests.support.wait import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
_WAIT = 90.0


@pytest.fixture
def roles(kafka: Broker, tmp_path: Path) -> Iterator[Roles]:
    with contextlib.ExitStack() as stack:
        yield Roles(tmp_path, kafka, stack)


def drawn(server: Server) -> str:
    return request(server.url, "/badge/example.svg?ping=0").body.decode()


def test_a_ping_to_the_collector_shows_at_the_stats_role_and_in_the_badge(roles: Roles):
    stats = roles.start("stats", "stats")
    collector = roles.start("collector", "collector", "--set", f"stats.url={stats.url}")
    for number in range(3):
        ping(collector, number)
    until(lambda: counted(stats) == 3, _WAIT, "the pings to be counted")
    assert online(stats) == "3"
    until(lambda: online(collector) == "3", _WAIT, "the number at the collector")
    assert "3 online" in drawn(collector)
    # Pages that are not the collector's are the stats role's, errors included.
    passed = request(collector.url, "/live/nothing/here")
    assert (passed.status, passed.body) == (404, request(stats.url, "/live/nothing/here").body)
    scrape(collector.admin_url).check_ledger()
    assert collector.terminate() == 0
    assert stats.terminate() == 0


def test_the_stats_role_takes_no_pings(roles: Roles):
    stats = roles.start("stats", "stats")
    body = b'{"site":"example"}'
    for target, method in (("/p.gif?s=a", "GET"), ("/badge/a.svg", "GET"), ("/e", "POST")):
        answer = request(stats.url, target, method=method, body=body if method == "POST" else b"")
        assert (answer.status, answer.outcome) == (404, "refused")
        assert "takes no pings" in answer.body.decode()
    assert not (stats.data_dir / "spool").exists()
    assert not (stats.data_dir / "visitor.key").exists()


def test_a_stats_process_that_is_killed_keeps_its_numbers(roles: Roles):
    collector = roles.start("collector", "collector")
    stats = roles.start("stats", "stats")
    for number in range(5):
        ping(collector, number)
    until(lambda: counted(stats) == 5, _WAIT, "the pings to be counted")
    stats.kill()
    stats = roles.start("stats", "stats")
    ping(collector, 5)
    until(lambda: online(stats) == "6", _WAIT, "old and new pings")


def test_a_second_stats_process_is_a_hot_copy(roles: Roles):
    collector = roles.start("collector", "collector")
    stats = roles.start("stats", "stats")
    for number in range(5):
        ping(collector, number)
    until(lambda: online(collector) == "5", _WAIT, "the number at the collector")
    copy = roles.start("stats", "copy")
    until(lambda: online(copy) == "5", _WAIT, "the copy's number")
    assert online(stats) == "5"
    stats.kill()
    ping(collector, 5)
    until(lambda: online(copy) == "6" == online(collector), _WAIT, "the copy to go on")


def test_two_stats_processes_need_a_directory_each(roles: Roles):
    roles.start("stats", "stats")
    with pytest.raises(AssertionError, match="in use by another process"):
        roles.start("stats", "stats")


def test_during_an_outage_counts_are_delayed_and_then_recover(own_broker: Broker, tmp_path: Path):
    broker = own_broker
    with contextlib.ExitStack() as stack:
        roles = Roles(tmp_path, broker, stack)
        stats = roles.start("stats", "stats")
        collector = roles.start("collector", "collector")
        ping(collector, 1)
        until(lambda: online(collector) == "1", _WAIT, "the number")
        assert not delayed(stats)
        broker.kill()
        ping(collector, 2)
        until(lambda: delayed(stats), _WAIT, "the delay to be said")
        broker.start()
        until(lambda: not delayed(stats) and counted(stats) == 2, _WAIT, "all to be counted")
        until(lambda: online(collector) == online(stats) != "–", _WAIT, "the badge")
