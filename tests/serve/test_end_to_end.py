"""From a ping on the socket to an event read back, as a user sees it."""

import json

import pytest

from tests.support.kafka import Broker
from tests.support.raw import request
from tests.support.server import start_server
from tests.support.tail import tail_events, tail_topic

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize("fast_lane", ["true", "false"])
def test_a_pixel_ping_is_read_back_anonymised_from_the_store(tmp_path, fast_lane):
    with start_server(tmp_path, "--set", f"http.fast_lane={fast_lane}") as server:
        answer = request(
            server.url,
            "/p.gif?s=Example&u=https%3A%2F%2Fexample.com%2Fa%3Futm_source%3Dx%26key%3Dsecret",
            headers={"User-Agent": BROWSER, "Accept-Language": "en-GB,en"},
        )
        assert (answer.status, answer.outcome) == (200, "stored")
        assert answer.body.startswith(b"GIF89a")
        assert len(answer.body) == 43
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
        assert server.terminate() == 0
        (event,) = tail_events(server.data_dir)
    assert event["site"] == "example"
    assert event["name"] == "pageview"
    assert event["url"] == "https://example.com/a?utm_source=x"
    assert event["ip"] == "127.0.0.0"
    assert (event["browser"], event["os"], event["device"]) == ("Chrome", "Windows", "desktop")
    assert event["bot"] is False
    assert event["headers"] == {"accept-language": "en-GB,en"}


def test_events_are_read_back_while_the_server_runs(tmp_path):
    with start_server(tmp_path) as server:
        body = json.dumps([{"site": "a", "name": "copy"}, {"site": "b"}]).encode()
        answer = request(server.url, "/e", method="POST", body=body)
        assert (answer.status, answer.outcome) == (204, "stored")
        assert [event["site"] for event in tail_events(server.data_dir)] == ["a", "b"]


@pytest.mark.kafka
def test_the_same_command_with_kafka_puts_the_event_on_the_topic(tmp_path, kafka: Broker):
    prefix = kafka.topic_prefix()
    flags = ("--kafka", kafka.bootstrap, "--set", f"kafka.topic_prefix={prefix}")
    with start_server(tmp_path, *flags) as server:
        answer = request(server.url, "/p.gif?s=example&t=Hello+World")
        assert (answer.status, answer.outcome) == (200, "stored")
        (event,) = tail_topic(kafka.bootstrap, prefix)
        assert (event["site"], event["title"]) == ("example", "Hello World")
        assert server.terminate() == 0


def test_an_opted_out_visit_is_stored_nowhere(tmp_path):
    with start_server(tmp_path) as server:
        for cookie in ("optout=1", "a=b; optout=1", 'x="; optout=1; y="', "optout=1; optout=1"):
            answer = request(server.url, "/p.gif?s=private", headers={"Cookie": cookie})
            assert (answer.status, answer.outcome) == (200, "opted-out")
            assert "optout=1" in answer.headers["set-cookie"]
        for cookie in ("xoptout=1", "optout=10", "optout=0", "OPTOUT=1"):
            answer = request(server.url, "/p.gif?s=public", headers={"Cookie": cookie})
            assert answer.outcome == "stored"
        server.terminate()
        assert [event["site"] for event in tail_events(server.data_dir)] == ["public"] * 4


def test_rejected_events_are_kept_apart(tmp_path):
    with start_server(tmp_path) as server:
        answer = request(server.url, "/p.gif?s=a/b")
        assert (answer.status, answer.outcome) == (400, "rejected")
        assert server.terminate() == 0
        assert tail_events(server.data_dir) == []
        (rejected,) = tail_events(server.data_dir, "--topic", "rejected")
    assert rejected["field"] == "site"
