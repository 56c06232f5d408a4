"""The public listener: its socket, its connections, their deadlines, its orderly end."""

import asyncio
import socket
from typing import cast

from ingest.http.gate import Gate
from ingest.http.shared import Shared
from ingest.http.slow_lane import Routes, SlowLane

_SWEEP = 0.25
"""Seconds between looks at the deadlines: one timer for all instead of one for each connection."""


class PublicListener:
    """Listens for beacons and pages."""

    def __init__(self, shared: Shared, routes: Routes) -> None:
        self._shared = shared
        self._slow_lane = SlowLane(shared, routes)
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self, sock: socket.socket) -> None:
        """Listen on a bound socket."""
        await self._slow_lane.start()
        loop = self._shared.loop
        self._server = await loop.create_server(
            lambda: cast(asyncio.Protocol, Gate(self._shared)), sock=sock, backlog=4_096
        )
        self._sweep()

    def stop_accepting(self) -> None:
        """Close the socket, and every connection that owes nothing."""
        self._shared.stopping = True
        if self._server is not None:
            self._server.close()
        for connection in list(self._shared.connections):
            connection.close_idle()

    async def finish(self, timeout: float) -> None:
        """Wait until every connection is closed, `timeout` seconds at most, then close the rest."""
        try:
            async with asyncio.timeout(timeout):
                await self._shared.emptied()
        except TimeoutError:
            for connection in list(self._shared.connections):
                connection.abort()
        await self._slow_lane.close()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def _sweep(self) -> None:
        now = self._shared.loop.time()
        for connection in list(self._shared.connections):
            if connection.deadline < now:
                connection.expire()
        self._sweeper = self._shared.loop.call_later(_SWEEP, self._sweep)
