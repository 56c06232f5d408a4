"""Collector and stats role as processes of their own, on one Kafka."""

import contextlib
from pathlib import Path

import orjson

from tests.support.kafka import Broker
from tests.support.metrics import scrape
from tests.support.raw import request
from tests.support.server import Server, start_server

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"


class Roles:
    """Processes that share a Kafka and a prefix of topics."""

    def __init__(self, directory: Path, broker: Broker, stack: contextlib.ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._kafka = ("--kafka", broker.bootstrap)
        self._prefix = ("--set", f"kafka.topic_prefix={broker.topic_prefix()}")

    def start(self, role: str, name: str, *flags: str) -> Server:
        data = ("--data-dir", str(self._directory / name))
        words = (*self._kafka, *self._prefix, "--role", role, *data, *flags)
        return self._stack.enter_context(start_server(self._directory, *words))


def ping(collector: Server, number: int, site: str = "example") -> None:
    headers = {"User-Agent": f"{BROWSER} {number}"}
    assert request(collector.url, f"/p.gif?s={site}", headers=headers).outcome == "stored"


def online(server: Server, site: str = "example") -> str:
    """What the badge says for shields.io, which does not count."""
    message: str = orjson.loads(request(server.url, f"/badge/{site}.json").body)["message"]
    return message


def counted(server: Server) -> float:
    return scrape(server.admin_url)["beacon_stats_events_counted_total"]


def delayed(server: Server) -> bool:
    return scrape(server.admin_url)["beacon_stats_delayed"] == 1
