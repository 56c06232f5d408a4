"""The shape that all servers under test have, ours included, and how one is run."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from benchmarks import cpu
from benchmarks.broker import free_ports
from benchmarks.process import clean_environment, kill, spawn, tail
from benchmarks.wait import until

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "bench"
"""Where peers are built."""
HERE = Path(__file__).resolve().parent
_START_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Does:
    """What a server does with a ping, of what ours does. False stands in the report."""

    kafka: bool = False
    """Brings it onto Kafka."""
    waits: bool = False
    """Answers only when it is safe: acknowledged by all replicas, or synced to the disk."""
    anonymises: bool = False
    """Stores no more of an address than its network."""
    opts_out: bool = False
    """Stores nothing of who has the cookie `optout=1`."""
    cleans: bool = False
    """Checks fields, cleans urls, names browsers, and keeps no header that it was not told to."""

    def lacks(self) -> list[str]:
        """In words."""
        words = {
            "no Kafka": self.kafka,
            "answers before the ping is safe": self.waits,
            "keeps the whole address": self.anonymises,
            "no opt-out": self.opts_out,
            "checks and cleans nothing": self.cleans,
        }
        return [word for word, done in words.items() if not done]


class Reach(Enum):
    """How a server reaches Kafka."""

    NEAR = "on the same machine"
    FAR = "over a link that is slow"
    ABSENT = "not at all: nobody listens"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is to run."""

    directory: Path
    """Its own, empty."""
    port: int
    bootstrap: str = ""
    """Kafka."""
    prefix: str = ""
    """Of its topics: events go to `PREFIX.events`, which exists."""

    @property
    def topic(self) -> str:
        """Where events go."""
        return f"{self.prefix}.events"


class Peer(ABC):
    """A server that can be measured."""

    name: ClassVar[str]
    does: ClassVar[Does]
    reach: ClassVar[Reach] = Reach.NEAR
    path: ClassVar[str] = "/p.gif"
    """Where pixels go."""

    @abstractmethod
    def missing(self) -> str | None:
        """What is not installed or not built; None: it can be run."""

    @abstractmethod
    def version(self) -> str:
        """Names and versions of what it consists of."""

    @abstractmethod
    def commands(self, place: Place) -> Sequence[Sequence[str]]:
        """Write its configuration, and return the processes to start, in this order."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs."""

    peer: Peer
    place: Place
    pids: Sequence[int]

    @property
    def url(self) -> str:
        """Where pings go."""
        return f"http://127.0.0.1:{self.place.port}{self.peer.path}"

    def cpu_seconds(self) -> float:
        """CPU time of all its processes until now."""
        return sum(map(cpu.seconds, self.pids))

    def resident(self) -> int:
        """Bytes of memory of all its processes."""
        return sum(map(cpu.resident, self.pids))


@contextmanager
def running(peer: Peer, place: Place) -> Iterator[Running]:
    """Run a server until the end of the block."""
    place.directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        processes = []
        for number, command in enumerate(peer.commands(place)):
            output = place.directory / f"output-{number}"
            environment = clean_environment({"PYTHONPATH": str(ROOT)})
            process = spawn(list(command), env=environment, stdout=output, stderr=output)
            stack.callback(kill, process)
            processes.append((process, output))
        until(
            lambda: _listens(place.port) or any(p.poll() is not None for p, _ in processes),
            _START_TIMEOUT,
            f"{peer.name} to listen",
        )
        for process, output in processes:
            if process.poll() is not None:
                raise RuntimeError(f"{peer.name}: a process ended at its start:\n{tail(output)}")
        yield Running(peer, place, [process.pid for process, _ in processes])


def create_topics(bootstrap: str, prefix: str, partitions: int) -> None:
    """Make the topics of a server, as an operator would."""
    command = [sys.executable, "-m", "ingest", "topics", "create", "--kafka", bootstrap]
    command += ["--set", f"kafka.topic_prefix={prefix}", "--set", f"kafka.partitions={partitions}"]
    made = subprocess.run(
        command, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    if made.returncode:
        raise RuntimeError(f"no topics: {made.stderr}")


def free_port() -> int:
    """A port that nobody listens on."""
    (port,) = free_ports(1)
    return port


def which(program: str) -> str | None:
    """Where a program is, in the places of system daemons too."""
    path = os.environ.get("PATH", os.defpath)
    return shutil.which(program, path=f"{path}:/usr/sbin:/usr/local/sbin")


def said_version(*command: str) -> str:
    """The first version number in what a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    found = re.search(r"\d+\.\d+[.\d]*", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def _listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
