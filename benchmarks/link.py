"""The network between two sides, which can fail or be slow as networks are: a TCP proxy."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_CHUNK = 65536
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: the connection ends with RST."""


@dataclass(eq=False, slots=True)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    swallowed: bool = False
    """Whether bytes of it are gone: it can never go on."""

    def reset(self) -> None:
        for side in (self.client, self.server):
            known = side.get_extra_info("socket")
            with contextlib.suppress(OSError):
                known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            side.transport.abort()


class Link:
    """Listens on a port of its own and passes on what it hears, in a thread of its own.

    So it goes on while the caller's loop is busy. As a context manager; `connect` says where to.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._target = 0
        self._delay = 0.0
        self._swallowing = False
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="link")
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._begin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def port(self) -> int:
        """Where clients connect to."""
        return int(self._listener.getsockname()[1])

    @property
    def address(self) -> str:
        """`HOST:PORT` of `port`."""
        return f"127.0.0.1:{self.port}"

    def connect(self, port: int) -> None:
        """Pass on to this port of this machine."""
        self._target = port

    def stall(self) -> None:
        """Keep connections, take new ones, and pass nothing on."""
        self._run(self._flowing.clear)

    def swallow_answers(self) -> None:
        """Pass on what clients say; what they are answered is gone."""
        self._run(lambda: setattr(self, "_swallowing", True))

    def delay(self, seconds: float) -> None:
        """Pass on everything this much later, either way."""
        self._run(lambda: setattr(self, "_delay", seconds))

    def cut(self) -> None:
        """Reset every connection; new ones are taken."""
        self._run(self._reset_all)

    def flow(self) -> None:
        """Pass on again: what was held back goes on, what lost bytes is reset."""
        self._run(self._recover)

    def _run(self, action: Callable[[], object]) -> None:
        async def act() -> None:
            action()

        asyncio.run_coroutine_threadsafe(act(), self._loop).result()

    def _begin(self) -> None:
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._start(self._serve())

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, sock=self._listener)
        async with server:
            await server.serve_forever()

    async def _end(self) -> None:
        self._reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _reset_all(self) -> None:
        for connection in self._connections:
            connection.reset()

    def _recover(self) -> None:
        self._swallowing, self._delay = False, 0.0
        for connection in self._connections:
            if connection.swallowed:
                connection.reset()
        self._flowing.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._start(self._join(reader, writer))

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(writer, server)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass_on(connection, reader, server, answers=False))
                ways.create_task(self._pass_on(connection, answers, writer, answers=True))
        finally:
            self._connections.discard(connection)
            for side in (writer, server):
                side.transport.abort()

    async def _pass_on(
        self,
        connection: _Connection,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        *,
        answers: bool,
    ) -> None:
        """One way of one connection. What is under way keeps its order, and its distance."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._deliver(under_way, target))
            data = b"?"
            while data:
                try:
                    data = await source.read(_CHUNK)
                except OSError:
                    data = b""
                if data and answers and self._swallowing:
                    connection.swallowed = True
                    continue
                under_way.put_nowait((self._loop.time() + self._delay, data))

    async def _deliver(
        self, under_way: asyncio.Queue[tuple[float, bytes]], target: asyncio.StreamWriter
    ) -> None:
        """Write what is due, up to the empty one that stands for the end."""
        with contextlib.suppress(OSError):
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - self._loop.time())
                await self._flowing.wait()
                if not data:
                    target.write_eof()
                    return
                target.write(data)
                await target.drain()
