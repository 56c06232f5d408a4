"""What is under way is bounded: above the bound 503 at once, whatever is sent, in both lanes."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from typing import Any

import pytest

from ingest.outcome import Outcome, Route
from tests.http.harness import Client, Harness, harness, request
from tests.support.wait import until, until_async

LANES = pytest.mark.parametrize("fast_lane", [True, False], ids=["fast", "slow"])
_BOUND = 65_536
_PING = request("GET", "/p.gif?s=x")
_OPTED_OUT = {"Cookie": "optout=1"}


def _tight(tmp_path: Any, fast_lane: bool = True) -> Any:
    return harness(tmp_path, http={"fast_lane": fast_lane, "max_in_flight": _BOUND})


async def _fill(server: Harness, stack: AsyncExitStack) -> list[Client]:
    """Leave pings unanswered until one more is shed; returns the clients of those that wait."""
    server.sink.open.clear()
    waiting: list[Client] = []
    while True:
        client = await stack.enter_async_context(server.connect())
        await client.send(_PING)
        await until_async(
            lambda: (
                server.accumulator.counts.shed or server.accumulator.events_in_flight > len(waiting)
            ),
            10,
            "it to be taken",
        )
        if server.accumulator.counts.shed:
            assert (await client.answer()).outcome == "shed"
            return waiting
        waiting.append(client)


@LANES
async def test_above_the_bound_a_ping_is_shed_at_once_and_below_it_stored_again(
    tmp_path, fast_lane
):
    async with _tight(tmp_path, fast_lane) as server, AsyncExitStack() as stack:
        waiting = await _fill(server, stack)
        for answer in [await server.get("/p.gif?s=x"), await server.post(b'{"site":"x"}')]:
            assert (answer.status, answer.outcome) == (503, "shed")
            assert int(answer.headers["retry-after"]) > 0
        assert server.counts.answered[Route.PIXEL, Outcome.SHED] == 2
        assert server.counts.answered[Route.EVENTS, Outcome.SHED] == 1
        assert server.accumulator.counts.shed == 3
        assert server.balanced()
        server.sink.open.set()
        assert waiting
        assert {(await client.answer()).outcome for client in waiting} == {"stored"}
        assert (await server.get("/p.gif?s=x")).outcome == "stored"
        assert server.balanced()


@LANES
async def test_who_opted_out_is_answered_so_above_the_bound_too(tmp_path, fast_lane):
    async with _tight(tmp_path, fast_lane) as server, AsyncExitStack() as stack:
        await _fill(server, stack)
        assert (await server.get("/p.gif?s=x", **_OPTED_OUT)).outcome == "opted-out"
        unread = request("POST", "/e", {"Content-Length": "60000", **_OPTED_OUT})
        assert (await server.send(unread)).outcome == "opted-out"
        server.sink.open.set()


@LANES
@pytest.mark.parametrize(
    "framing",
    [{"Content-Length": "60000"}, {"Transfer-Encoding": "chunked"}],
    ids=["length", "chunked"],
)
async def test_a_body_is_not_read_where_there_is_no_room(tmp_path, fast_lane, framing):
    async with _tight(tmp_path, fast_lane) as server, AsyncExitStack() as stack:
        await _fill(server, stack)
        async with server.connect() as client:
            await client.send(request("POST", "/e", framing))
            answer = await client.answer()
            assert (answer.status, answer.outcome) == (503, "shed")
            assert "retry-after" in answer.headers
            assert answer.headers["connection"] == "close"
            assert await client.closed()
        assert server.balanced()
        server.sink.open.set()


async def test_a_page_takes_a_form_however_many_requests_wait_and_nothing_larger(tmp_path):
    async with _tight(tmp_path) as server, AsyncExitStack() as stack:
        await _fill(server, stack)
        length = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "3"}
        async with server.connect() as client:
            await client.send(request("POST", "/opt-out", length))
            await client.send(b"a=b")
            assert (await client.answer()).status < 500
        answer = await server.send(request("POST", "/opt-out", {"Content-Length": "60000"}))
        assert answer.status == 503
        assert "retry-after" in answer.headers
        server.sink.open.set()


async def test_a_head_in_pieces_is_refused_where_there_is_no_room(tmp_path):
    async with _tight(tmp_path) as server, AsyncExitStack() as stack:
        await _fill(server, stack)
        long = {"X-Long": "x" * 15_000}
        answer = await server.send(request("GET", "/p.gif?s=x", long)[:-2])
        assert (answer.status, answer.outcome) == (503, "refused")
        server.sink.open.set()


async def test_what_is_pipelined_behind_a_wait_counts_and_ends_the_connection_without_room(
    tmp_path,
):
    async with _tight(tmp_path) as server, server.connect() as client:
        server.sink.open.clear()
        client.writer.write(_PING + b"x" * (2 * _BOUND))
        assert await client.closed()
        await until_async(lambda: server.shared.in_flight.held == 0, 10, "it to be let go")
        assert server.counts.aborted == 1
        server.sink.open.set()


@LANES
@pytest.mark.parametrize(
    "sent",
    [
        _PING,
        request("POST", "/e", {}, b'[{"site":"x"},{"site":"x"}]'),
        request("POST", "/e", {"Content-Length": "9"}),
        request("POST", "/opt-out", {"Content-Length": "9"}),
        b"GET /p.gif HTTP/1.1\r\n",
        b"nonsense",
        request("GET", "/"),
    ],
    ids=["ping", "array", "body", "page-body", "head", "malformed", "page"],
)
async def test_nothing_is_held_once_a_client_is_answered_or_has_left(tmp_path, fast_lane, sent):
    async with _tight(tmp_path, fast_lane) as server:
        server.sink.open.clear()
        async with server.connect() as client:
            await client.send(sent)
            await until_async(lambda: server.counts.connections == 1, 10, "the connection")
        server.sink.open.set()  # a half-closed connection is owed its answer
        await until_async(lambda: server.counts.connections == 0, 10, "its end")
        await until_async(lambda: server.accumulator.events_in_flight == 0, 10, "the events")
        assert server.shared.in_flight.held == 0
        assert server.balanced()


async def test_of_a_pixel_that_waits_little_counts_however_long_its_head(tmp_path):
    """Nothing of its request is kept, so that as many may wait as there are connections."""
    async with _tight(tmp_path) as server, AsyncExitStack() as stack:
        server.sink.open.clear()
        long = request("GET", "/p.gif?s=x", {"X-Long": "x" * 5_000})
        waiting = [await stack.enter_async_context(server.connect()) for _ in range(20)]
        for client in waiting:
            await client.send(long)
        await until_async(
            lambda: server.accumulator.events_in_flight == len(waiting), 10, "them to be taken"
        )
        assert 0 < server.shared.in_flight.held <= 1_024 * len(waiting)
        server.sink.open.set()
        assert {(await client.answer()).outcome for client in waiting} == {"stored"}
        assert server.shared.in_flight.held == 0


# -- memory ----------------------------------------------------------------------------------------

_CONNECTIONS = 1_500
_MIB = 1024 * 1024
_TAKEN = 8 * _MIB
"""`http.max_in_flight` of these tests; of pixels little is kept, what others send is up to 12 times
as much."""
_GROWTH = 2 * _TAKEN + _CONNECTIONS * 8_192
"""Bytes of growth allowed: connections cost something when nothing is under way, too."""
_LONG = "https://host.example/" + "path/" * 40
_ARRAY = json.dumps([{"site": "x", "url": _LONG}] * 100).encode().ljust(65_000)
_AGENT = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/133.0"}
_KINDS = {
    "pings": request("GET", f"/p.gif?s=x&u={_LONG}", _AGENT),
    "long heads": request("GET", "/p.gif?s=x", {**_AGENT, "X-Long": "x" * 15_000}),
    "arrays": request("POST", "/e", _AGENT, _ARRAY),
    "unfinished bodies": request("POST", "/e", {"Content-Length": "65000"}) + b"[" * 60_000,
    "unfinished heads": request("GET", "/p.gif?s=x", {"X-Long": "x" * 15_000})[:-2],
}


class _Stuck:
    """A listener in a process of its own, whose sink never answers."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        self._process = process
        self.port = int(process.stdout.readline())

    def ask(self) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        print(file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def _stuck_server(**http: object) -> Iterator[_Stuck]:
    command = [sys.executable, "-m", "tests.support.stuck_server", json.dumps(http)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _Stuck(process)
        finally:
            process.kill()


def _send(port: int, data: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(data)
    return client


@pytest.mark.parametrize("kind", _KINDS)
@LANES
def test_memory_is_bounded_when_every_connection_waits(kind, fast_lane):
    http = {"fast_lane": fast_lane, "max_in_flight": _TAKEN, "head_timeout": 600}
    with ExitStack() as stack, _stuck_server(**http) as server:
        before = server.ask()["resident"]
        for _ in range(_CONNECTIONS):
            try:
                stack.enter_context(_send(server.port, _KINDS[kind]))
            except ConnectionError:
                continue  # answered and closed before all was sent
        # Heads that are not whole count as received where they are refused for want of room.
        all_came = 1 if kind == "unfinished heads" else _CONNECTIONS
        until(lambda: server.ask()["received"] >= all_came, 60, "all to be taken")
        state = server.ask()
        grown = state["resident"] - before
        print(f"{kind}: {state}, grown by {grown / _MIB:.1f} MiB")
        assert state["in_flight"] > 0 or kind == "unfinished heads"
        assert state["balanced"]
        assert grown < _GROWTH
