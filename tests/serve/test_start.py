"""What stops a start, what does not, and what an earlier configuration left behind."""

import signal
import socket

import pytest

from tests.support.raw import request
from tests.support.server import start_server
from tests.support.wait import until


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--set", "sites.file=/nowhere.toml"), "/nowhere.toml: cannot be read"),
        (("--set", "stats.url=http://a.example"), "stats.url is for role collector"),
        (("--kafka", "127.0.0.1:1", "--workers", "2"), "workers above 1"),
    ],
)
def test_what_is_asked_for_and_cannot_be_stops_the_start_and_is_named(tmp_path, flags, words):
    with start_server(tmp_path, *flags, wait=False) as server:
        assert server.wait() == 2  # bad configuration
        assert words in server.stderr_text()


@pytest.mark.parametrize(("name", "flag"), [("http", "--port"), ("admin", "--admin-port")])
def test_a_port_that_is_taken_stops_the_start_which_names_the_option(tmp_path, name, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start_server(tmp_path, flag, port, wait=False) as server:
            assert server.wait() == 1
            (said,) = server.logged("cannot start")
    assert said["reason"].startswith("cannot listen on 127.0.0.1, port ")
    assert f"{name}.port" in said["reason"]
    assert flag in said["reason"]


@pytest.mark.parametrize("role", ["collector", "stats"])
def test_a_role_of_its_own_needs_kafka(tmp_path, role):
    with start_server(tmp_path, "--role", role, wait=False) as server:
        assert server.wait() == 2
        assert f"role {role} needs kafka.bootstrap_servers" in server.stderr_text()


def test_a_spool_with_events_is_not_left_behind_by_a_start_without_kafka(tmp_path):
    flags = ("--kafka", "127.0.0.1:1", "--set", "spool.min_free=0")
    with start_server(tmp_path, *flags) as server:
        assert request(server.url, "/p.gif?s=a").outcome == "stored"
        assert server.terminate() == 0
    with start_server(tmp_path, wait=False) as server:
        assert server.wait() == 2
        assert "holds confirmed events that wait for Kafka" in server.stderr_text()
    with start_server(tmp_path, *flags) as server:
        assert request(server.url, "/p.gif?s=a").outcome == "stored"


def test_a_store_that_kafka_took_over_from_is_said(tmp_path):
    with start_server(tmp_path) as server:
        assert request(server.url, "/p.gif?s=a").outcome == "stored"
        server.terminate()
    with start_server(tmp_path, "--kafka", "127.0.0.1:1", "--set", "spool.min_free=0") as server:
        assert server.logged("the store is not used")


def test_a_hangup_ends_nothing(tmp_path):
    with start_server(tmp_path) as server:
        server.signal(signal.SIGHUP)
        until(lambda: server.logged("nothing to reload"))
        assert request(server.url, "/p.gif?s=a").outcome == "stored"


def test_clients_that_leave_in_the_middle_of_a_body_fill_no_log(tmp_path):
    with start_server(tmp_path) as server:
        head = b"POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(head)
        assert request(server.url, "/p.gif?s=a").outcome == "stored"
        assert server.terminate() == 0
        assert "a page failed" not in server.stderr_text()


def test_a_key_that_others_may_read_is_said(tmp_path):
    with start_server(tmp_path) as server:
        assert not server.logged("the visitors' key is not secret")
        server.terminate()
    (tmp_path / "data" / "visitor.key").chmod(0o644)
    with start_server(tmp_path) as server:
        (said,) = server.logged("the visitors' key is not secret")
        assert "chmod 600" in said["reason"]
