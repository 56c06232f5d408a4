"""File descriptors that are used up, and a limit that is low from the start."""

import contextlib
import resource
import socket

from tests.support.metrics import scrape
from tests.support.pings import connections, ping_id, pixel
from tests.support.raw import Answer, read, request
from tests.support.server import Server, start_server
from tests.support.tail import tail_events
from tests.support.wait import until
from tests.support.wrapped import wrapped_server


def _ping(connection: socket.socket, number: int) -> Answer | None:
    """The answer; None on a connection that the server closed."""
    try:
        connection.sendall(pixel(ping_id(0, number)))
        return read(connection)
    except (OSError, ValueError):
        return None


def _ping_all(clients: list[socket.socket]) -> list[bool]:
    """Whether a ping on each was stored; the others were closed, never answered otherwise."""
    answers = [_ping(connection, number) for number, connection in enumerate(clients)]
    assert {answer.outcome for answer in answers if answer} == {"stored"}
    return [answer is not None for answer in answers]


def _served(server: Server) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return request(server.url, "/p.gif?s=after").outcome == "stored"
    return False


def test_it_outlives_a_process_without_descriptors_and_serves_again(tmp_path):
    with start_server(tmp_path) as server:
        assert _served(server)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (40, 40))
        with connections(server.port, 80) as clients:
            stored = _ping_all(clients)
            assert 0 < sum(stored) < 40
            assert all(stored[:10])  # who was in stays in
            assert not _served(server)
        until(lambda: _served(server), what="free descriptors")
        metrics = scrape(server.admin_url)
        metrics.check_ledger()
        assert server.terminate() == 0
        assert len(tail_events(server.data_dir)) == metrics["beacon_events_direct_total"]


def test_connections_leave_descriptors_for_segments_and_operators(tmp_path):
    limit = ["prlimit", "--nofile=80:80"]
    with wrapped_server(tmp_path, limit, "--set", "store.segment_bytes=4096") as server:
        (warning,) = server.logged("fewer connections than http.max_connections")
        assert warning["connections"] == 40
        with connections(server.port, 50) as clients:
            stored = _ping_all(clients)
            assert sum(stored) == warning["connections"]
            segments = scrape(server.admin_url)["beacon_store_segments"]
            inside = [one for one, kept in zip(clients, stored, strict=True) if kept]
            for _ in range(3):
                assert all(_ping_all(inside))
            metrics = scrape(server.admin_url)
            assert metrics["beacon_store_segments"] > segments
            assert metrics["beacon_connections_refused_total"] == 50 - len(inside)
        until(lambda: _served(server), what="room for connections")


def test_a_low_soft_limit_is_raised_to_what_connections_need(tmp_path):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = ["prlimit", f"--nofile=64:{hard}"]
    with (
        wrapped_server(tmp_path, limit, "--set", "http.max_connections=500") as server,
        connections(server.port, 200) as clients,
    ):
        assert all(_ping_all(clients))
        assert not server.logged("fewer connections than http.max_connections")
