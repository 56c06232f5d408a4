"""A server that takes its time: about 10 ms as a rule, 50 ms for one in a hundred.

    python -m benchmarks.agree.delayed PORT

What a load generator adds of its own is little beside that, and the percentiles lie far apart.
"""

import asyncio
import random
import sys
from typing import cast

import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nContent-Length: 2\r\n\r\nok"
_SIGMA = 0.7
"""Of the lognormal distribution: p90 is 25 ms, p99 51 ms."""
_MU = -4.605
"""The logarithm of the median, 10 ms."""


class Connection(asyncio.Protocol):
    """One request at a time, without a body."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it for the answers."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer after a while."""
        self._data += data
        if self._data.endswith(b"\r\n\r\n"):
            self._data = b""
            pause = self._rng.lognormvariate(_MU, _SIGMA)
            asyncio.get_running_loop().call_later(pause, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_ANSWER)


async def _serve(port: int) -> None:
    rng = random.Random(1)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(rng), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
