"""A store on a disk that is full: refused, never confirmed; and stored again once there is room."""

import os
import random
from pathlib import Path

import pytest

from tests.support.metrics import scrape
from tests.support.pings import Sent, ping_id
from tests.support.raw import Answer, request
from tests.support.server import Server, start_server
from tests.support.tail import tail_events
from tests.support.tmpfs import fill, small_disk
from tests.support.wait import until

SIZE = 1024 * 1024
CHANCE = random.Random(1)
NO_RESERVE = ("--set", "store.min_free=0")
WITH_RESERVE = ("--set", "store.min_free=65536")


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", SIZE) as directory:
        yield directory


class Client:
    """Pings with ids of its own."""

    def __init__(self, server: Server, sender: int = 0) -> None:
        self.server = server
        self.sent = Sent()
        self._sender = sender

    def ping(self) -> Answer:
        """Send one ping and write down its answer."""
        event_id = ping_id(self._sender, len(self.sent.tried))
        self.sent.tried.add(event_id)
        title = CHANCE.randbytes(250).hex()
        answer = request(self.server.url, f"/p.gif?s=example&t={title}&id={event_id}")
        self.sent.note(event_id, answer)
        return answer

    def stored(self) -> bool:
        """Ping; whether it was stored."""
        return self.ping().outcome == "stored"

    def check(self, stored: list[str]) -> None:
        """What was confirmed is stored, and what was refused is not."""
        self.sent.check(stored)
        assert self.sent.confirmed == set(stored)


def _leave(ballast: Path, room: int) -> None:
    """Take all but about `room` bytes."""
    fill(ballast)
    os.truncate(ballast, ballast.stat().st_size - room)


def _ready(server: Server) -> int:
    return request(server.admin_url, "/readyz").status


def _check_shed(answer: Answer) -> None:
    assert (answer.status, answer.outcome) == (503, "shed")
    assert int(answer.headers["retry-after"]) > 0


def _ids(directory: Path) -> list[str]:
    return [event["id"] for event in tail_events(directory)]


@pytest.mark.parametrize("reserve", [NO_RESERVE, WITH_RESERVE])
def test_a_full_disk_sheds_and_room_ends_it(tmp_path, disk, reserve):
    ballast = disk / "ballast"
    with start_server(tmp_path, "--data-dir", str(disk), *reserve) as server:
        client = Client(server)
        assert client.stored()
        assert _ready(server) == 200
        fill(ballast)
        until(lambda: not client.stored(), what="the disk to be found full")
        for _ in range(20):
            _check_shed(client.ping())
        body = b'[{"s":"example"},{"s":"example"}]'
        _check_shed(request(server.url, "/e", method="POST", body=body))
        assert _ready(server) == 503
        (said,) = until(lambda: server.logged("pings cannot be stored"), what="the line")
        assert said["reason"] == "the store: no room for segments"
        metrics = scrape(server.admin_url)
        assert metrics["beacon_ready"] == 0
        metrics.check_ledger()
        ballast.unlink()
        until(client.stored, what="room to be found")
        until(lambda: _ready(server) == 200, what="readiness")
        (over,) = until(lambda: server.logged("pings are stored again"), what="the other line")
        assert over["shed"] >= 20
        assert all(answer.outcome == "shed" for answer in client.sent.answers)
        assert server.terminate() == 0
        client.check(_ids(disk))


def test_it_fills_up_by_pings_alone_and_keeps_all_that_it_confirmed(tmp_path, disk):
    flags = ("--data-dir", str(disk), *NO_RESERVE, "--set", "store.segment_bytes=16384")
    _leave(disk / "ballast", 80_000)
    with start_server(tmp_path, *flags) as server:
        client = Client(server)
        while client.stored():
            assert len(client.sent.confirmed) < 1_000, "more than the disk can hold"
        for _ in range(20):
            client.ping()
        assert all(answer.outcome == "shed" for answer in client.sent.answers)
        client.check(_ids(disk))
        server.kill()
    with start_server(tmp_path, *flags) as server:
        (disk / "ballast").unlink()
        again = Client(server, sender=1)
        until(again.stored, what="room to be found")
        again.sent.tried |= client.sent.tried
        again.sent.confirmed |= client.sent.confirmed
        again.check(_ids(disk))


def test_it_starts_again_on_a_full_disk_and_stores_once_there_is_room(tmp_path, disk):
    with start_server(tmp_path, "--data-dir", str(disk), *NO_RESERVE) as server:
        assert server.terminate() == 0
    fill(disk / "ballast")
    with start_server(tmp_path, "--data-dir", str(disk), *NO_RESERVE) as server:
        client = Client(server)
        _check_shed(client.ping())
        assert _ready(server) == 503
        (disk / "ballast").unlink()
        until(client.stored, what="room to be found")
        client.check(_ids(disk))
