"""A viewer of a stream of server-sent events, over a socket, that takes each byte as it is sent."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Viewer:
    """One open stream."""

    reader: asyncio.StreamReader
    status: int
    head: str
    chunked: bool
    _rest: bytes = field(default=b"", repr=False)

    async def block(self) -> str:
        """The next block of lines, up to an empty one: an event, a comment, or `retry`."""
        async with asyncio.timeout(20):
            while b"\n\n" not in self._rest:
                self._rest += await self._piece()
        block, self._rest = self._rest.split(b"\n\n", 1)
        return block.decode()

    async def now(self) -> dict[str, Any]:
        """The data of the next event `now`; comments and `retry` are passed over."""
        while True:
            lines = (await self.block()).splitlines()
            if "event: now" in lines:
                (data,) = (line for line in lines if line.startswith("data: "))
                document: dict[str, Any] = json.loads(data.removeprefix("data: "))
                return document

    async def ended(self) -> bool:
        """Whether the server closes the stream; what it still sends is passed over."""
        async with asyncio.timeout(20):
            try:
                while await self.reader.read(65_536):
                    pass
            except ConnectionResetError:
                pass
        return True

    async def _piece(self) -> bytes:
        if not self.chunked:
            piece = await self.reader.read(4_096)
            if not piece:
                raise EOFError
            return piece
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(size + 2))[:-2]


@asynccontextmanager
async def watch(
    port: int, site: str, *fields: str, version: str = "1.1", receive: int = 0
) -> AsyncIterator[Viewer]:
    """Open a stream; `fields` are header lines, `receive` the bytes of the socket's buffer."""
    sock = socket.socket()
    if receive:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=4_096)
    lines = "".join(f"{line}\r\n" for line in ("Host: beacon.test", *fields))
    target = f"/api/v1/sites/{site}/stream"
    writer.write(f"GET {target} HTTP/{version}\r\n{lines}\r\n".encode())
    try:
        async with asyncio.timeout(20):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        chunked = "transfer-encoding: chunked" in head.lower()
        yield Viewer(reader, int(head.split(" ")[1]), head, chunked)
    finally:
        writer.transport.abort()
