"""Very many connections that do nothing, and senders that take their time."""

import resource
from collections.abc import Iterator

import pytest

from tests.support.metrics import scrape
from tests.support.pings import connections, ping_id, pixel
from tests.support.raw import read, request
from tests.support.server import Server, start_server
from tests.support.wait import until

IDLE = 10_000
SPARE = 600
"""Descriptors that the test and the server need for other things than idle connections."""
SLOW = 200
PIECE = 4
"""Bytes that a slow sender sends at a time."""


@pytest.fixture
def descriptors() -> Iterator[int]:
    """As many as the system allows; the server inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = min(limit for limit in (hard, IDLE + SPARE) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
    yield allowed
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _open(server: Server) -> float:
    return scrape(server.admin_url)["beacon_connections_open"]


def test_pings_are_answered_beside_ten_thousand_idle_connections(tmp_path, descriptors):
    number = descriptors - SPARE
    with start_server(tmp_path) as server:
        with connections(server.port, number) as idle:
            until(lambda: _open(server) == number, what="every connection to be open")
            for _ in range(200):
                assert request(server.url, "/p.gif?s=example").outcome == "stored"
            for place in (0, number // 2, number - 1):
                idle[place].sendall(pixel(ping_id(0, place)))
                assert read(idle[place]).outcome == "stored"
            scrape(server.admin_url).check_ledger()
        until(lambda: _open(server) == 0, what="every connection to be closed")
        assert server.terminate() == 0


def test_slow_senders_are_answered_and_keep_nobody_waiting(tmp_path):
    body = b'{"site":"slow","name":"heartbeat"}'
    head = b"POST /e HTTP/1.1\r\nHost: beacon.test\r\nContent-Length: %d\r\n\r\n" % len(body)
    raw = head + body
    flags = ("--set", "http.head_timeout=100", "--set", "http.body_timeout=100")
    with start_server(tmp_path, *flags) as server, connections(server.port, SLOW) as slow:
        for begin in range(0, len(raw), PIECE):
            for connection in slow:
                connection.sendall(raw[begin : begin + PIECE])
            assert request(server.url, "/p.gif?s=example").outcome == "stored"
        assert {read(connection, "POST").outcome for connection in slow} == {"stored"}
        scrape(server.admin_url).check_ledger()


def test_senders_that_never_finish_are_told_so_and_closed(tmp_path):
    unfinished = (
        b"GET /p.gif?s=example HT",
        b"POST /e HTTP/1.1\r\nHost: beacon.test\r\nContent-Length: 9\r\n\r\n{",
    )
    flags = ("--set", "http.head_timeout=0.2", "--set", "http.body_timeout=0.2")
    with start_server(tmp_path, *flags) as server, connections(server.port, SLOW) as slow:
        for number, connection in enumerate(slow):
            connection.sendall(unfinished[number % 2])
        for connection in slow:
            assert read(connection).status == 408
            assert connection.recv(1) == b""
        until(lambda: _open(server) == 0, what="every connection to be closed")
        scrape(server.admin_url).check_ledger()
