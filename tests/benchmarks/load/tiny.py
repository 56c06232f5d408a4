"""A tiny server in a thread, whose answers, stalls and memory a test sets."""

import asyncio
import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nBeacon-Outcome: stored\r\n\r\nok"
_LENGTH = re.compile(rb"\r\nContent-Length: ([0-9]+)")


@dataclass
class Tiny:
    """What it is to do, and what it saw."""

    answer: bytes = OK
    """Empty: the connection is closed instead."""
    ends: bool = False
    """The connection is closed behind the answer, whatever it said."""
    resets: bool = False
    """The connection is reset instead."""
    stall_at: int | None = None
    """The request of the measured part before whose answer everything stands still."""
    stall_seconds: float = 0.0
    stalled: float = 0.0
    """Seconds for which it really stood still."""
    port: int = 0
    connections: list[list[bytes]] = field(default_factory=list)
    """Requests, by connection."""
    requests: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/p.gif"


class _Connection(asyncio.Protocol):
    def __init__(self, tiny: Tiny) -> None:
        self._tiny = tiny
        self._seen: list[bytes] = []
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._tiny.connections.append(self._seen)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or len(body) < (int(length[1]) if length else 0):
            return
        request, self._data = self._data, b""
        tiny = self._tiny
        self._seen.append(request)
        tiny.requests += 1
        if tiny.requests == tiny.stall_at:
            began = time.monotonic()
            time.sleep(tiny.stall_seconds)  # the loop's thread: nobody is answered meanwhile
            tiny.stalled = time.monotonic() - began
        if tiny.resets:
            known = self._transport.get_extra_info("socket")
            known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
            return
        self._transport.write(tiny.answer)
        if not tiny.answer or tiny.ends or b"Connection: close" in head:
            self._transport.close()


@contextlib.contextmanager
def serving(tiny: Tiny) -> Iterator[Tiny]:
    """Serve on a free port until the block's end."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        server = await loop.create_server(lambda: _Connection(tiny), "127.0.0.1", 0, backlog=1024)
        tiny.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    try:
        yield tiny
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
