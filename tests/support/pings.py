"""Pings numbered by the sender, who writes down what became of each: the oracle of fault tests."""

import asyncio
import contextlib
import itertools
import secrets
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.support.raw import Answer, read

_TIMEOUT = 20.0
_AT_A_TIME = 25
_PIXEL = 43
"""Bytes of the picture."""


def ping_id(sender: int, number: int) -> str:
    """An event id of our own choice, no two alike."""
    return f"018f0000-0000-7000-8000-{sender:04x}{number:08x}"


def pixel(event_id: str) -> bytes:
    """The bytes of a plain ping."""
    return f"GET /p.gif?s=example&id={event_id} HTTP/1.1\r\nHost: beacon.test\r\n\r\n".encode()


@contextlib.contextmanager
def connections(port: int, number: int) -> Iterator[list[socket.socket]]:
    """So many open connections, closed at the block's end.

    From an address of their own, since ports are kept for a minute after: a few runs of a test that
    opens thousands would use up those of one address.
    """
    own = (f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(256)}.1", 0)
    with contextlib.ExitStack() as stack:
        address = ("127.0.0.1", port)
        yield [
            stack.enter_context(socket.create_connection(address, _TIMEOUT, own))
            for _ in range(number)
        ]


class Held:
    """Requests that are under way until we let them end: their last byte was not sent yet."""

    def __init__(self, connections: Iterable[socket.socket], site: str) -> None:
        self.ids = []
        self._connections = list(connections)
        for sender, connection in enumerate(self._connections):
            self.ids.append(ping_id(0xE1D, sender))
            body = b'{"s":"%b","id":"%b"}' % (site.encode(), self.ids[-1].encode())
            head = b"POST /e HTTP/1.1\r\nHost: beacon.test\r\nContent-Length: %d\r\n\r\n"
            connection.sendall(head % len(body) + body[:-1])

    def end(self) -> None:
        """Send the last bytes."""
        for connection in self._connections:
            connection.sendall(b"}")

    def answers(self) -> dict[str, Answer]:
        """By id. A connection that is closed without an answer raises, as for any client."""
        every = zip(self.ids, self._connections, strict=True)
        return {event_id: read(connection, "POST") for event_id, connection in every}


async def store_all(port: int, requests: Iterable[bytes]) -> None:
    """Send requests for pixels on one connection, some at a time; each is answered as stored."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    coming = iter(requests)
    while some := list(itertools.islice(coming, _AT_A_TIME)):
        writer.write(b"".join(some))
        answers = await reader.readuntil(b"\r\n\r\n")
        size = len(answers) + _PIXEL  # of each: they are alike
        answers += await reader.readexactly(size * len(some) - len(answers))
        assert answers.count(b"Beacon-Outcome: stored") == len(some)
    writer.close()
    await writer.wait_closed()


@dataclass(slots=True)
class Sent:
    """Ids by their fate. Sets are only added to, so any thread may look at their lengths."""

    tried: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    """Answered, and not with success."""
    answers: list[Answer] = field(default_factory=list)
    """Those of the refused."""

    def note(self, event_id: str, answer: Answer) -> None:
        """Write down an answer."""
        if answer.outcome == "stored":
            self.confirmed.add(event_id)
        else:
            self.refused.add(event_id)
            self.answers.append(answer)

    def check(self, stored: list[str]) -> None:
        """Assert that nothing confirmed is lost, nothing is made up, and nothing stands twice."""
        found = set(stored)
        assert self.confirmed <= found, f"lost: {sorted(self.confirmed - found)[:5]}"
        assert found <= self.tried, f"never sent: {sorted(found - self.tried)[:5]}"
        assert len(stored) == len(found), "stored twice"
