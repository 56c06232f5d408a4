"""One connection of the load, and the next one in its place once it is closed."""

import asyncio
import ssl
import time
from collections.abc import Iterator
from typing import Protocol, cast

from benchmarks.load import tally as how
from benchmarks.load.answer import Part, read
from benchmarks.load.plan import Plan
from benchmarks.load.tally import Tally
from benchmarks.load.visitors import Traffic

clock = time.monotonic
_REFUSED_PAUSE = 0.01
"""Seconds that a connection rests after it could not be made."""
_LINE_END = b"\r\n"
_LAST = b"\r\nConnection: close\r\n"


class Run(Protocol):
    """Who says what a connection does next."""

    tally: Tally

    def free(self, connection: "Connection") -> None:
        """It has nothing to do: give it the next ping, or keep it for later."""


class Connection(asyncio.Protocol):
    """Sends one request at a time; opens itself when it has one to send and is closed."""

    def __init__(self, plan: Plan, traffic: Traffic, tls: ssl.SSLContext | None) -> None:
        self._plan = plan
        self._traffic = traffic
        self._tls = tls
        self._requests: Iterator[bytes] = iter(())
        self._transport: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._buffer = b""
        self._left: int | None = None
        self._retire = False
        self.since: float | None = None
        """The time that the request under way is measured from; None: none is."""
        self._run: Run

    def attach(self, run: Run) -> None:
        """Work for a run from now on."""
        self._run = run

    async def open(self) -> None:
        """Connect."""
        target = self._plan.target
        await asyncio.get_running_loop().create_connection(
            lambda: self, target.host, target.port, ssl=self._tls
        )

    def send(self, since: float) -> None:
        """Send the next request, whose latency counts from `since`."""
        self.since = since
        if self._transport is None:
            self._opening = asyncio.get_running_loop().create_task(self._open_and_write())
        else:
            self._write(self._transport)

    def retire(self) -> None:
        """Close after the request under way, or now if there is none."""
        if self.since is None:
            self._close()
        else:
            self._retire = True

    def expire(self, before: float) -> None:
        """Give up a request that began before that time."""
        if self.since is not None and self.since < before:
            self._failed(how.TIMEOUT if self._opening is None else how.LATE_CONNECTION)

    def abandon(self) -> None:
        """Close at the end of all."""
        self.since = None
        self._close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the next visitor, or go on with those of all."""
        self._transport = cast(asyncio.Transport, transport)
        self._buffer = b""
        self._left = self._plan.pings_per_connection
        self._requests = self._traffic.visit()
        self._run.tally.opened += 1

    def connection_lost(self, error: Exception | None) -> None:
        """A request under way is lost with it; else it is opened anew for the next one."""
        self._transport = None
        if self.since is None:
            return
        if error is not None:
            self._failed(how.RESET)
        else:
            self._failed(how.CUT if self._buffer else how.CLOSED)

    def data_received(self, data: bytes) -> None:
        """Count an answer once it is whole, and ask for the next request."""
        if self._buffer:
            data = self._buffer + data
        answer = read(data)
        if answer is Part.INCOMPLETE:
            self._buffer = data
            return
        self._buffer = b""
        since = self.since
        if answer is Part.BROKEN or since is None:
            self._failed(how.BROKEN)
            return
        status, outcome, closing = answer
        run = self._run
        run.tally.answers[status, outcome] += 1
        run.tally.latencies.record(clock() - since)
        self.since = None
        if closing or self._retire or self._left == 0:
            self._close()
        run.free(self)

    def _write(self, transport: asyncio.Transport) -> None:
        request = next(self._requests)
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                request = request.replace(_LINE_END, _LAST, 1)
        transport.write(request)

    async def _open_and_write(self) -> None:
        try:
            await self.open()
        except OSError as error:
            await asyncio.sleep(_REFUSED_PAUSE)
            self._opening = None
            self._failed(how.unconnected(error))
            return
        self._opening = None
        if self._transport is not None and self.since is not None:
            self._write(self._transport)

    def _failed(self, why: str) -> None:
        since, self.since = self.since, None
        self._close()
        if since is not None:
            self._run.tally.failed(why, clock() - since)
            self._run.free(self)

    def _close(self) -> None:
        # What still comes of the old connection must not be taken for the new one's.
        self._retire = False
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.set_protocol(asyncio.Protocol())
            transport.close()
