"""Pings numbered by the sender, who writes down what became of each: the oracle of fault tests."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.support.raw import Answer, read

_TIMEOUT = 20.0


def ping_id(sender: int, number: int) -> str:
    """An event id of our own choice, no two alike."""
    return f"018f0000-0000-7000-8000-{sender:04x}{number:08x}"


def pixel(event_id: str) -> bytes:
    """The bytes of a plain ping."""
    return f"GET /p.gif?s=example&id={event_id} HTTP/1.1\r\nHost: beacon.test\r\n\r\n".encode()


@contextlib.contextmanager
def connections(port: int, number: int) -> Iterator[list[socket.socket]]:
    """So many open connections, closed at the block's end."""
    with contextlib.ExitStack() as stack:
        address = ("127.0.0.1", port)
        yield [
            stack.enter_context(socket.create_connection(address, _TIMEOUT)) for _ in range(number)
        ]


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


class Senders:
    """Threads that ping over connections of their own until stopped or cut off."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._started = 0

    @contextlib.contextmanager
    def pinging(self, port: int, threads: int = 4) -> Iterator[None]:
        """Ping a server for as long as the block lasts."""
        stop = threading.Event()
        running = [
            threading.Thread(target=self._ping, args=(port, self._started + number, stop.is_set))
            for number in range(threads)
        ]
        self._started += threads
        for thread in running:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in running:
                thread.join()

    def _ping(self, port: int, sender: int, stopped: Callable[[], bool]) -> None:
        with (
            contextlib.suppress(OSError, ValueError),  # cut off, or half an answer: the server died
            socket.create_connection(("127.0.0.1", port), _TIMEOUT) as connection,
        ):
            number = 0
            while not stopped():
                event_id, number = ping_id(sender, number), number + 1
                self._sent.tried.add(event_id)
                connection.sendall(pixel(event_id))
                self._sent.note(event_id, read(connection))
