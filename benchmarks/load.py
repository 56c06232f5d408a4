"""A closed-loop load generator: each connection sends its next ping when it has its answer.

    python -m benchmarks.load PORT CONNECTIONS REQUESTS WARM_UP SEED SECONDS

A process of its own. It prepares all requests, opens its connections, sends the warm-up, writes
`ready`, waits for a line, sends the rest or as many as it can in that many seconds, and writes what
came back as one line of JSON. A connection that the server announces to close is opened anew, and
counted. Nothing is said of latency: a closed loop cannot, since a server that stalls is asked less.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import cast

import uvloop

from benchmarks.traffic import requests

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CLOSING = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_OUTCOME = re.compile(rb"\r\nbeacon-outcome: *([a-z-]+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_STALLED = 60.0
"""Seconds without an end after which a run is given up."""


class Tally:
    """What came back in one run, and when all of it had."""

    def __init__(self, prepared: list[bytes], connections: int, seconds: float) -> None:
        self._left: Iterator[bytes] = iter(prepared)
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + seconds
        self.answers: Counter[str] = Counter()
        self.reopened = 0
        self.busy = connections
        self.done = self._loop.create_future()

    def next(self) -> bytes | None:
        """The next ping to be sent; None at the end."""
        return next(self._left, None) if self._loop.time() < self._end else None

    def idle(self) -> None:
        """One connection has nothing left to send."""
        self.busy -= 1
        if not self.busy and not self.done.done():
            self.done.set_result(None)


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tally: Tally | None = None
        self._buffer = b""
        self._closing = False
        self._opening: asyncio.Task[object] | None = None

    async def open(self) -> None:
        """Connect."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, "127.0.0.1", self._port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Go on where the last connection was closed as announced."""
        self._transport = cast(asyncio.Transport, transport)
        if self._tally is not None:
            self._tally.reopened += 1
            self._closing = False
            self._next(self._tally)

    def connection_lost(self, _error: Exception | None) -> None:
        """Open it again; one that ends unannounced is counted, and its run is not reported."""
        if self._tally is None:
            return
        if self._closing:
            self._opening = asyncio.get_running_loop().create_task(self.open())
        else:
            self._tally.answers["closed"] += 1
            self._tally.idle()

    def begin(self, tally: Tally) -> None:
        """Send the first ping of a run."""
        self._tally = tally
        self._next(tally)

    def data_received(self, data: bytes) -> None:
        """Take an answer, and send the next ping once it is whole."""
        data = self._buffer + data
        head_end = data.find(_HEAD_END)
        length = _LENGTH.search(data, 0, head_end + 2) if head_end >= 0 else None
        if head_end >= 0 and length is None:
            self._transport.abort()
            return
        if length is None or len(data) < head_end + len(_HEAD_END) + int(length[1]):
            self._buffer = data
            return
        self._buffer = b""
        tally = self._tally
        if tally is not None:
            outcome = _OUTCOME.search(data, 0, head_end + 2)
            said = outcome[1].decode() if outcome else "-"
            tally.answers[f"{data[9:12].decode('latin-1')} {said}"] += 1
            self._closing = _CLOSING.search(data, 0, head_end + 2) is not None
            if not self._closing:
                self._next(tally)

    def _next(self, tally: Tally) -> None:
        request = tally.next()
        if request is None:
            self._tally = None
            tally.idle()
        else:
            self._transport.write(request)


async def _run(clients: list[Client], prepared: list[bytes], seconds: float) -> dict[str, object]:
    tally = Tally(prepared, len(clients), seconds)
    began = time.perf_counter()
    for client in clients:
        client.begin(tally)
    async with asyncio.timeout(_STALLED):
        await tally.done
    took = time.perf_counter() - began
    return {"answers": dict(tally.answers), "seconds": took, "reopened": tally.reopened}


async def _main(
    port: int, connections: int, count: int, warm_up: int, seed: int, seconds: int
) -> None:
    prepared = requests(seed, warm_up + count)
    clients = [Client(port) for _ in range(connections)]
    for client in clients:
        await client.open()
    await _run(clients, prepared[:warm_up], seconds)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(await _run(clients, prepared[warm_up:], seconds)), flush=True)


if __name__ == "__main__":
    uvloop.run(_main(*map(int, sys.argv[1:])))
