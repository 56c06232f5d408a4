"""`python -m benchmarks viewers`: what viewers of one site's stream cost the server.

Pings come in at a fixed rate, each another visitor's, so that the number changes all the time and
every viewer is told once a second. The CPU time is the server's, without viewers and with them by
turns: what they add is the figure.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from benchmarks import cpu
from benchmarks.arguments import above_zero, at_least_one
from benchmarks.peers.ours import OursStore
from benchmarks.peers.peer import Place, free_port, running
from benchmarks.report import spread

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
_SITE = "site.example"
_SETTLE = 2.0
"""Seconds for the first events to go out."""
_MESSAGE = b"event: now\n"


class Cost(NamedTuple):
    """What one round measured."""

    alone: float
    """Share of a core without viewers, the pings included."""
    watched: float
    """The same with them."""
    messages: float
    """Events that a viewer got in a second."""
    bytes_each: float
    """Memory a viewer, of those who came first; later rounds use it again."""

    @property
    def added(self) -> float:
        """Share of a core for the viewers."""
        return self.watched - self.alone


class _Server(NamedTuple):
    port: int
    pid: int


def main(arguments: Sequence[str]) -> int:
    """Run, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks viewers")
    parser.add_argument("--viewers", type=at_least_one, default=1_000)
    parser.add_argument("--seconds", type=above_zero, default=15.0, help="of each half of a round")
    parser.add_argument("--pings", type=above_zero, default=5.0, help="a second")
    parser.add_argument("--rounds", type=at_least_one, default=5)
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory, _server(directory) as at:
        costs = [
            asyncio.run(_measure(at, parsed.viewers, parsed.seconds, parsed.pings))
            for _ in range(parsed.rounds)
        ]
    print(said(costs, parsed.viewers, parsed.pings))
    print(f"load of the machine {os.getloadavg()[0]:.1f}", file=sys.stderr)
    return 0


@contextmanager
def _server(directory: str) -> Iterator[_Server]:
    place = Place(Path(directory) / "server", free_port())
    with running(OursStore(), place) as server:
        yield _Server(place.port, server.pids[0])


async def _measure(server: _Server, viewers: int, seconds: float, pings: float) -> Cost:
    await _share(server, _SETTLE, pings)
    alone = await _share(server, seconds, pings)
    before = cpu.resident(server.pid)
    heard = [0]
    async with AsyncExitStack() as stack:
        for _ in range(viewers):
            await stack.enter_async_context(_watching(server.port, heard))
        size = (cpu.resident(server.pid) - before) / viewers
        await _share(server, _SETTLE, pings)
        earlier, began = heard[0], time.monotonic()
        watched = await _share(server, seconds, pings)
        messages = (heard[0] - earlier) / viewers / (time.monotonic() - began)
    return Cost(alone, watched, messages, size)


@asynccontextmanager
async def _watching(port: int, heard: list[int]) -> AsyncIterator[None]:
    """Follow the stream; HTTP/1.0, so that its lines come without chunks between them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    target = f"/api/v1/sites/{_SITE}/stream"
    writer.write(f"GET {target} HTTP/1.0\r\nHost: beacon.test\r\n\r\n".encode())
    status = await reader.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"no stream: {status!r}")
    listening = asyncio.create_task(_listen(reader, heard))
    try:
        yield
    finally:
        listening.cancel()
        writer.transport.abort()


async def _listen(reader: asyncio.StreamReader, heard: list[int]) -> None:
    while line := await reader.readline():
        heard[0] += line == _MESSAGE


async def _share(server: _Server, seconds: float, pings: float) -> float:
    """Ping for some seconds, and return the server's share of a core."""
    began, used = time.monotonic(), cpu.seconds(server.pid)
    while time.monotonic() < began + seconds:
        await asyncio.to_thread(_ping, server.port)
        await asyncio.sleep(1 / pings)
    return (cpu.seconds(server.pid) - used) / (time.monotonic() - began)


def _ping(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"User-Agent": f"{_BROWSER} {time.monotonic_ns()}"}
    connection.request("GET", f"/p.gif?s={_SITE}", headers=headers)
    outcome = connection.getresponse().headers["Beacon-Outcome"]
    connection.close()
    if outcome != "stored":
        raise RuntimeError(f"not stored: {outcome}")


def said(costs: Sequence[Cost], viewers: int, pings: float) -> str:
    """A table. Ends the program where nothing was sent of which it could tell the cost."""
    if not all(cost.messages for cost in costs):
        raise SystemExit("viewers: they heard nothing in a round; give it more --seconds")
    each = [cost.added / viewers / cost.messages * 1e6 for cost in costs]
    return "\n".join(
        [
            f"{viewers:,} viewers of one site, {pings:g} pings a second, {len(costs)} rounds:",
            "",
            "| | least–median–most |",
            "|---|---:|",
            f"| share of a core without viewers | {spread([c.alone * 100 for c in costs], 2)} % |",
            f"| with them | {spread([c.watched * 100 for c in costs], 2)} % |",
            f"| what they add | {spread([c.added * 100 for c in costs], 2)} % |",
            f"| events to each in a second | {spread([c.messages for c in costs], 2)} |",
            f"| µs an event and viewer | {spread(each, 2)} |",
            f"| memory a viewer, first round | {costs[0].bytes_each / 1024:.1f} KiB |",
        ]
    )
