"""What is measured beside the rounds: start-up, the stats reader, and the bytes of a ping."""

import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks import counting
from benchmarks.alone import alone
from benchmarks.broker import running_broker
from benchmarks.cpu import pinned
from benchmarks.load.plan import Target, Visits
from benchmarks.load.visitors import requests
from benchmarks.peers.nginx import Nginx
from benchmarks.peers.ours import Ours, OursStore
from benchmarks.peers.peer import Peer, Place, create_topics, free_port, running
from benchmarks.scenarios.bench import cores

_PREFIX = "start"
_SAMPLE = 2_000
_TIMEOUT = 20.0
_STATS_SITES = 5_000


@dataclass(frozen=True, slots=True)
class Extras:
    """Figures by round."""

    start_up: dict[str, list[float]] = field(default_factory=dict)
    """Seconds from the start of the process to the first answer, by server; read every 20 ms."""
    stats_per_second: list[float] = field(default_factory=list)
    """Events counted in a second of one core, of 5,000 sites."""
    request_bytes: float = 0.0
    answer_bytes: float = 0.0
    """Of a pixel, on the wire above TCP."""

    @classmethod
    def from_dict(cls, said: dict[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(**said)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def measured(directory: Path, rounds: int, events: int) -> Extras:
    """Start each server alone, in turns; then count events."""
    samples = requests(
        Target.of("http://127.0.0.1:8080/p.gif"), Visits(opt_outs=0.0, prepared=_SAMPLE)
    )
    request_bytes = sum(map(len, samples)) / len(samples)
    times: dict[str, list[float]] = {}
    answer = b""
    for peer, took, answered in _starts(directory, rounds, samples[0]):
        times.setdefault(peer.name, []).append(took)
        if isinstance(peer, OursStore):
            answer = answered
    return Extras(times, _counting(rounds, events), request_bytes, len(answer))


def _starts(directory: Path, rounds: int, request: bytes) -> Iterator[tuple[Peer, float, bytes]]:
    """Each server's start in each round, and its first answer."""
    peers: Sequence[Peer] = (Nginx(), OursStore(), Ours())
    present = [peer for peer in peers if peer.missing() is None]
    where_to = cores()
    with pinned(set(where_to.broker)), running_broker(directory / "kafka") as broker:
        create_topics(broker.bootstrap, _PREFIX, 1)
        for number, peer in ((n, peer) for n in range(rounds) for peer in present):
            where = directory / f"{number}-{peer.name}".replace(" ", "-")
            place = Place(where, free_port(), broker.bootstrap, _PREFIX)
            yield (peer, *_start(peer, place, request, where_to.server))


def _start(peer: Peer, place: Place, request: bytes, core: int) -> tuple[float, bytes]:
    with pinned({core}):
        began = time.monotonic()
        with running(peer, place):
            answer = _ask(place.port, request)
            return time.monotonic() - began, answer


def _ask(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), _TIMEOUT) as connection:
        connection.sendall(request)
        answer = connection.recv(65_536)
    if not answer.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(f"a server that has started answers {answer[:60]!r}")
    return answer


def _counting(rounds: int, events: int) -> list[float]:
    each = (alone(counting.rate, _STATS_SITES, events, number) for number in range(rounds))
    return [rate.per_second for rate in each]
