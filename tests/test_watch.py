"""The operator is told when pings cannot be stored, and when they are again."""

import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from ingest.watch import Watch
from tests.support.metrics import scrape
from tests.support.raw import request
from tests.support.server import start_server
from tests.support.wait import until


class _State:
    def __init__(self) -> None:
        self.trouble: str | None = None
        self.shed = 0
        self.watch = Watch(lambda: self.trouble, lambda: self.shed)


def _said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    return [
        (record.getMessage(), vars(record).get("fields", {}))
        for record in caplog.records
        if record.name == "ingest"
    ]


def test_trouble_is_said_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    state = _State()
    state.watch.look(0)
    state.trouble, state.shed = "the store: no room", 3
    state.watch.look(1)
    state.shed = 5
    state.watch.look(100)
    begun = ("pings cannot be stored", {"reason": "the store: no room"})
    assert _said(caplog) == [begun]
    state.trouble = None
    state.watch.look(101)
    assert _said(caplog) == [begun]
    state.watch.look(106)
    assert _said(caplog) == [begun, ("pings are stored again", {"shed": 5})]


def test_a_bound_that_is_touched_again_and_again_is_said_once(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    state = _State()
    for second in range(100):
        state.shed += 1
        state.watch.look(second)
    ((event, fields),) = _said(caplog)
    assert event == "pings cannot be stored"
    assert "room" in fields["reason"]
    state.watch.look(200)
    assert _said(caplog)[1] == ("pings are stored again", {"shed": 100})


@pytest.mark.parametrize("flags", [(), ("--kafka", "127.0.0.1:1")], ids=["store", "spool"])
def test_a_start_without_room_is_said_and_not_ready_before_any_ping(
    tmp_path: Path, flags: tuple[str, ...]
):
    name = "spool" if flags else "store"
    most = ("--set", f"{name}.min_free=1000000000000000000")
    with start_server(tmp_path, *flags, *most) as server:
        ready = request(server.admin_url, "/readyz")
        assert (ready.status, ready.body) == (
            503,
            f"not ready: the {name}: no room for segments\n".encode(),
        )
        (said,) = until(lambda: server.logged("pings cannot be stored"), what="the line")
        assert said["reason"] == f"the {name}: no room for segments"
        assert request(server.url, "/p.gif?s=a").outcome == "shed"


@pytest.mark.parametrize("path", ["/p.gif?s=a", "/badge/a.svg"])
def test_pings_shed_for_too_many_requests_are_said_and_it_is_not_ready_meanwhile(
    tmp_path: Path, path: str
):
    body = b"POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"
    with start_server(tmp_path, "--set", "http.max_in_flight=65536") as server:
        assert scrape(server.admin_url)["beacon_ready"] == 1
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(body)  # takes most of the room, and waits for the rest

            def not_ready() -> bool:
                return (
                    request(server.url, path).outcome == "shed"
                    and request(server.admin_url, "/readyz").status == 503
                    and scrape(server.admin_url)["beacon_ready"] == 0
                )

            until(not_ready, what="readiness to go away")
            (said,) = until(lambda: server.logged("pings cannot be stored"), what="the line")
            assert said["reason"] == "more comes at once than there is room for"
        until(lambda: request(server.admin_url, "/readyz").status == 200, what="readiness")
        (over,) = until(lambda: server.logged("pings are stored again"), what="the other line")
        assert over["shed"] >= 1
