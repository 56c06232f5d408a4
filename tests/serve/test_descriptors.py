"""File descriptors that are used up, and a limit that is low from the start."""

import contextlib
import resource
import socket
from pathlib import Path

from tests.support.metrics import scrape
from tests.support.pings import connections, ping_id, pixel
from tests.support.raw import Answer, read, request
from tests.support.server import Server, start_server
from tests.support.sse import watch
from tests.support.tail import tail_events
from tests.support.wait import until, until_async


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
    with start_server(tmp_path, "--set", "store.segment_bytes=4096", wrapper=limit) as server:
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


def open_at(server: Server) -> float:
    return scrape(server.admin_url)["beacon_connections_open"]


async def test_streams_that_are_passed_on_leave_descriptors_for_pings(tmp_path):
    """Each takes two on a collector: the viewer's, and one to the stats role."""
    limit = ["prlimit", "--nofile=160:160"]
    with contextlib.ExitStack() as stack:
        stats = stack.enter_context(start_server(tmp_path, "--data-dir", str(tmp_path / "stats")))
        flags = ("--kafka", "127.0.0.1:1", "--role", "collector", "--set", f"stats.url={stats.url}")
        server = stack.enter_context(start_server(tmp_path, *flags, wrapper=limit))
        (fewer,) = server.logged("fewer streams than stats.max_streams")
        (taken,) = server.logged("fewer connections than http.max_connections")
        assert (fewer["streams"], taken["connections"]) == (10, 60)
        async with contextlib.AsyncExitStack() as viewers:
            for _ in range(10):
                viewer = await viewers.enter_async_context(watch(server.port, "shop"))
                assert (await viewer.now())["now"] == 0
            refused = request(server.url, "/api/v1/sites/shop/stream")
            assert (refused.status, refused.headers["retry-after"]) == (503, "5")
            with connections(server.port, 60):  # more than may be
                await until_async(lambda: open_at(server) == 60, what="all that may be")
                assert len(list(Path(f"/proc/{server.pid}/fd").iterdir())) < 160
            assert not server.logged("the stats server does not answer")
        await until_async(lambda: open_at(server) == 0, what="nobody")
        async with watch(server.port, "shop") as viewer:
            assert (await viewer.now())["now"] == 0


def test_a_low_soft_limit_is_raised_to_what_connections_need(tmp_path):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = ["prlimit", f"--nofile=64:{hard}"]
    with (
        start_server(tmp_path, "--set", "http.max_connections=500", wrapper=limit) as server,
        connections(server.port, 200) as clients,
    ):
        assert all(_ping_all(clients))
        assert not server.logged("fewer connections than http.max_connections")
