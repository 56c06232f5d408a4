"""Holds each server to what the reports say of it: one ping that may be stored, one that may not.

The second is sent first, so that it would be found before the first is.
"""

import asyncio
import http.client
import json
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import kafka
from benchmarks.peers.peer import Peer, Place, Running, create_topics, free_port, running

_ADDRESS = "192.0.2.77"
_PATIENCE = 30.0
_POLL = 0.5
_LATE = 3.0
"""Seconds in which a batch that is already under way comes in."""


def check(peer: Peer, bootstrap: str, prefix: str, directory: Path) -> list[str]:
    """Return what is not as its `does` says; nothing if all is."""
    if peer.does.kafka:
        create_topics(bootstrap, prefix, 2)
    with running(peer, Place(directory, free_port(), bootstrap, prefix)) as server:
        wrong = _answers(server)
        return wrong + (_records(server) if peer.does.kafka and not wrong else [])


def _answers(server: Running) -> list[str]:
    """Ping with and without the opt-out; both are answered as by any other server."""
    codes = [_ping(server, page, cookie) for page, cookie in _pings()]
    return [f"a ping was answered {code}" for code in codes if code not in {200, 204}]


def _pings() -> Sequence[tuple[str, str]]:
    return (("opted-out", "a=b; optout=1; c=d"), ("counted", "a=b"))


def _ping(server: Running, page: str, cookie: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.place.port, timeout=20)
    url = f"https%3A%2F%2Fsite.example%2F{page}"
    headers = {"X-Forwarded-For": _ADDRESS, "Cookie": cookie, "User-Agent": "check"}
    target = f"{server.peer.path}?s=site.example&u={url}&sw=1024&sh=768"
    try:
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _records(server: Running) -> list[str]:
    place, does = server.place, server.peer.does

    def found() -> list[bytes]:
        return asyncio.run(kafka.values(place.bootstrap, place.topic))

    if does.waits:
        records = found()  # it has answered, so it is there
    else:
        deadline = time.monotonic() + _PATIENCE
        while not any(b"counted" in value for value in found()) and time.monotonic() < deadline:
            time.sleep(_POLL)
        time.sleep(_LATE)
        records = found()
    wrong = []
    if not any(b"counted" in value for value in records):
        wrong.append("the ping is not on Kafka")
    if does.opts_out == any(b"opted-out" in value for value in records):
        wrong.append(f"opt-out: honoured {not does.opts_out}")
    if does.anonymises == any(_ADDRESS.encode() in value for value in records):
        wrong.append(f"address: anonymised {not does.anonymises}")
    if not all(isinstance(json.loads(value), dict) for value in records):
        wrong.append("a record is no JSON object")
    return wrong
