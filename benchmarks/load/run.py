"""When to send: as soon as there is an answer (closed loop), or when the clock says (open loop)."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from benchmarks.load import tally as how
from benchmarks.load.clock import Ticks
from benchmarks.load.connection import Connection, clock
from benchmarks.load.lateness import Lateness
from benchmarks.load.tally import Tally

_FINEST = 50e-6
"""Seconds between two looks at the clock at least; pings due in between are sent together."""
_COARSEST = 500e-6
"""At most: what is away for longer than two is late, also at a low rate."""


class Loop(Protocol):
    """A run of either kind."""

    tally: Tally

    def free(self, connection: Connection) -> None:
        """Use a connection."""

    async def run(self) -> float:
        """Send all; returns the seconds it took."""


class ClosedLoop:
    """Each connection sends its next ping when it has its answer.

    It finds the most that a server takes. Its latencies hide stalls: a server that pauses is only
    asked less.
    """

    def __init__(
        self, connections: Sequence[Connection], seconds: float, limit: int | None
    ) -> None:
        self.tally = Tally()
        self._connections = connections
        self._seconds = seconds
        self._left = limit if limit is not None else -1
        self._busy = 0
        self._done = asyncio.get_running_loop().create_future()
        self._end = 0.0

    async def run(self) -> float:
        """Send until the time is over, and wait for the last answers."""
        began = clock()
        self._end = began + self._seconds
        self._busy = len(self._connections)
        for connection in self._connections:
            connection.attach(self)
            self._send(connection)
        await self._done
        return clock() - began

    def free(self, connection: Connection) -> None:
        """Send the next at once."""
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        now = clock()
        if now < self._end and self._left:
            self._left -= 1
            connection.send(now)
            return
        self._busy -= 1
        if not self._busy and not self._done.done():
            self._done.set_result(None)


class OpenLoop:
    """Ping number n is due at n / rate, whatever has become of those before it.

    Latencies count from that time, so that a server that stalls is charged with all the pings that
    came meanwhile. A ping waits where no connection is free, and is the next to be sent.
    """

    def __init__(
        self, connections: Sequence[Connection], rate: float, count: int, patience: float
    ) -> None:
        """`patience`: seconds after the last one was due for which answers are waited for."""
        self.tally = Tally()
        self._connections = connections
        self._interval = 1 / rate
        self._count = count
        self._patience = patience
        self._free = deque(connections)
        self._sent = 0
        self._began = 0.0
        self._tick_length = min(max(self._interval, _FINEST), _COARSEST)
        self._lateness = Lateness(self._tick_length, 0.0)
        self._done = asyncio.get_running_loop().create_future()

    async def run(self) -> float:
        """Send all, and wait for the last answers."""
        for connection in self._connections:
            connection.attach(self)
        loop = asyncio.get_running_loop()
        with Ticks(self._tick_length) as ticks:
            loop.add_reader(ticks.fd, self._tick, ticks)
            self._began = clock()
            self._lateness = Lateness(self._tick_length, self._began)
            try:
                await asyncio.wait(
                    [self._done], timeout=self._count * self._interval + self._patience
                )
            finally:
                loop.remove_reader(ticks.fd)
        self._give_up()
        self.tally.lags = self._lateness.lags
        return max(clock() - self._began, self._count * self._interval)

    def free(self, connection: Connection) -> None:
        """Send what is overdue, or be ready for what comes."""
        due, now = self._due(), clock()
        self._lateness.look(now)
        if self._sent < self._count and due <= now:
            self._send(connection, due, now, idle=bool(self._free))
            return
        self._free.append(connection)
        if self._sent == self._count and len(self._free) == len(self._connections):
            self._finish()

    def _tick(self, ticks: Ticks) -> None:
        ticks.clear()
        now = clock()
        self._lateness.look(now)
        while self._free and self._sent < self._count and (due := self._due()) <= now:
            self._send(self._free.popleft(), due, now, idle=True)

    def _send(self, connection: Connection, due: float, now: float, idle: bool) -> None:
        self._sent += 1
        self._lateness.sent(due, now, idle)
        connection.send(due)

    def _due(self) -> float:
        return self._began + self._sent * self._interval

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _give_up(self) -> None:
        """Those still waited for, and those never sent, count as slow as they have become."""
        now = clock()
        while self._sent < self._count:
            self.tally.failed(how.UNSENT, now - self._due())
            self._sent += 1
        for connection in self._connections:
            connection.expire(now)


class Upkeep:
    """What goes on beside a run: connections renewed, requests given up, word given of it."""

    def __init__(self, connections: Sequence[Connection], timeout: float, renewals: float) -> None:
        """`renewals`: connections a second that are closed, the longest open first."""
        self._connections = connections
        self._timeout = timeout
        self._renewals = renewals

    async def during(self, run: Loop, report: Callable[[Tally], None]) -> float:
        """Run it; `report` is called five times a second."""
        tasks = [asyncio.create_task(self._watch(run, report))]
        if self._renewals:
            tasks.append(asyncio.create_task(self._renew()))
        try:
            return await run.run()
        finally:
            for task in tasks:
                task.cancel()

    async def _watch(self, run: Loop, report: Callable[[Tally], None]) -> None:
        while True:
            await asyncio.sleep(0.2)
            before = clock() - self._timeout
            for connection in self._connections:
                connection.expire(before)
            report(run.tally)

    async def _renew(self) -> None:
        began, renewed = clock(), 0
        while True:
            await asyncio.sleep(0.01)
            due = int((clock() - began) * self._renewals)
            while renewed < due:
                self._connections[renewed % len(self._connections)].retire()
                renewed += 1
