"""What the server takes in is counted by it, from the store and from Kafka."""

import pytest

from tests.support.kafka import Broker
from tests.support.metrics import scrape
from tests.support.raw import request
from tests.support.server import Server, start_server
from tests.support.wait import until

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"


def ping(server: Server, number: int) -> None:
    headers = {"User-Agent": f"{BROWSER} {number}"}
    assert request(server.url, "/p.gif?s=example", headers=headers).outcome == "stored"


def counted(server: Server) -> float:
    return scrape(server.admin_url)["beacon_stats_events_counted_total"]


def test_pings_are_counted_from_the_store_and_not_again_after_a_restart(tmp_path):
    with start_server(tmp_path) as server:
        for number in range(5):
            ping(server, number)
        until(lambda: counted(server) == 5)
        assert server.terminate() == 0
    with start_server(tmp_path) as server:
        ping(server, 6)
        until(lambda: counted(server) == 1)
        assert scrape(server.admin_url)["beacon_stats_events_duplicates_total"] == 0


@pytest.mark.kafka
def test_pings_are_counted_from_kafka(kafka: Broker, tmp_path):
    flags = ("--kafka", kafka.bootstrap, "--set", f"kafka.topic_prefix={kafka.topic_prefix()}")
    with start_server(tmp_path, *flags) as server:
        for number in range(5):
            ping(server, number)
        until(lambda: counted(server) == 5, 40)
        assert server.terminate() == 0
