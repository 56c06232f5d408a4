"""The orderly stop, and the start that must not be."""

import signal
import socket
import subprocess
import sys
import threading

from tests.support.metrics import scrape
from tests.support.pings import Held, connections
from tests.support.raw import read, request
from tests.support.server import clean_environment, start_server
from tests.support.tail import tail_events
from tests.support.wait import until

PING = b"GET /p.gif?s=example&id=%s HTTP/1.1\r\nHost: beacon.test\r\n\r\n"


def test_sigterm_answers_what_was_taken_and_exits_with_0(tmp_path):
    stored: list[str] = []
    with start_server(tmp_path) as server:
        going = threading.Event()

        def pinger(number: int) -> None:
            for count in range(100_000):
                name = f"018f0000-0000-7000-8000-{number:04x}{count:08x}"
                try:
                    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
                        connection.sendall(PING % name.encode())
                        answer = read(connection)
                except (OSError, ValueError):
                    return  # it no longer listens
                assert answer.outcome == "stored"
                stored.append(name)
                if count == 20:
                    going.set()

        threads = [threading.Thread(target=pinger, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        assert going.wait(20)
        assert server.terminate() == 0
        for thread in threads:
            thread.join(20)
        found = {event["id"] for event in tail_events(server.data_dir)}
    assert set(stored) <= found
    assert len(stored) > 20


def test_sigterm_answers_each_request_that_it_found_under_way(tmp_path):
    with start_server(tmp_path) as server, connections(server.port, 50) as clients:
        held = Held(clients, "example")
        until(lambda: scrape(server.admin_url)["beacon_requests_in_flight"] == len(clients))
        server.signal(signal.SIGTERM)
        until(lambda: not server.accepts)
        held.end()
        assert {answer.outcome for answer in held.answers().values()} == {"stored"}
        assert server.wait() == 0
        stored = [event["id"] for event in tail_events(server.data_dir)]
        assert sorted(stored) == held.ids


def test_idle_connections_do_not_delay_the_stop(tmp_path):
    with start_server(tmp_path) as server:
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        half = socket.create_connection(("127.0.0.1", server.port))
        half.sendall(b"GET /p.gif?s=a HTTP/1.1\r\nHost:")
        assert request(server.url, "/p.gif?s=a").outcome == "stored"
        assert server.terminate(timeout=8) == 0
        for connection in [*idle, half]:
            connection.close()


def test_not_ready_while_it_stops(tmp_path):
    with start_server(tmp_path, "--set", "shutdown.grace=3") as server:
        assert request(server.admin_url, "/readyz").status == 200
        assert request(server.admin_url, "/healthz").status == 200
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert server.logged("stopped")


def test_a_second_server_on_the_same_directory_is_refused(tmp_path):
    with start_server(tmp_path) as server:
        second = start_server(tmp_path, "--data-dir", str(server.data_dir), wait=False)
        with second:
            assert second.wait() == 1
            assert str(server.data_dir) in second.stderr_text()


def test_a_taken_port_stops_the_start_and_is_named(tmp_path):
    with start_server(tmp_path) as server:
        second = start_server(
            tmp_path, "--data-dir", str(tmp_path / "other"), "--port", str(server.port), wait=False
        )
        with second:
            assert second.wait() == 1
            assert f"port {server.port}" in second.stderr_text()


def test_a_bad_option_stops_the_start_with_a_line_that_names_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "serve", "--set", "http.prot=1"],
        capture_output=True,
        env=clean_environment(),
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.decode() == "ingest: http.prot: no such option (did you mean http.port?)\n"


def test_a_second_sigterm_ends_at_once(tmp_path):
    with start_server(tmp_path, "--set", "shutdown.grace=60") as server:
        # A body that never comes keeps the first stop waiting.
        slow = socket.create_connection(("127.0.0.1", server.port))
        slow.sendall(b"POST /e HTTP/1.1\r\nHost: beacon.test\r\nContent-Length: 10\r\n\r\n{")
        until(lambda: b"beacon_connections_open 1" in request(server.admin_url, "/metrics").body)
        server.signal(signal.SIGTERM)
        until(lambda: server.logged("stopping"))
        server.signal(signal.SIGTERM)
        assert server.wait(timeout=10) == 143
        slow.close()
