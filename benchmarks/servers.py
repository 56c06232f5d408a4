"""The servers that are measured, each a process of its own on the same core.

Apache Kafka and our server are started as the tests start them (`tests.support`), so a benchmark
needs what `make dev` brings.
"""

import contextlib
import shutil
import socket
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu import pinned
from tests.support.kafka import Broker
from tests.support.metrics import Metrics
from tests.support.process import kill, spawn, tail
from tests.support.server import clean_environment, start_server
from tests.support.wait import until

_ROOT = Path(__file__).resolve().parents[1]
_NGINX = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
worker_processes 1;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log {directory}/access.log combined;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    keepalive_requests 100000000;
    server {{
        listen 127.0.0.1:{port};
        location = /p.gif {{ empty_gif; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Delivered:
    """How our server delivered, until now, as its /metrics say."""

    events: float
    batches: float


@dataclass(frozen=True, slots=True)
class Subject:
    """A server that runs."""

    name: str
    pid: int
    port: int
    answer: str
    """The only answer that counts: status and outcome."""
    partitions: int | None = None
    admin_url: str | None = None

    def delivered(self) -> Delivered | None:
        """Counters of our own server; None for others."""
        if self.admin_url is None:
            return None
        with urllib.request.urlopen(f"{self.admin_url}/metrics", timeout=10) as answer:
            metrics = Metrics(answer.read().decode())
        return Delivered(metrics["beacon_events_direct_total"], metrics["beacon_batches_total"])


@dataclass(frozen=True, slots=True)
class Cores:
    """Where things run."""

    server: int
    load: int
    broker: frozenset[int]


@contextmanager
def running(directory: Path, cores: Cores, partitions: int) -> Iterator[list[Subject]]:
    """Run all of them until the end of the block; nginx, the yardstick, comes first."""
    with ExitStack() as stack:
        with pinned(set(cores.broker)):
            broker = Broker(directory / "kafka")
            stack.callback(broker.kill)
            broker.start()
        with pinned({cores.server}):
            yield [
                _nginx(directory / "nginx", stack),
                *_ours(directory, broker, partitions, stack),
                _peer(directory / "peer", broker, partitions, stack),
            ]


def _ours(directory: Path, broker: Broker, partitions: int, stack: ExitStack) -> Iterator[Subject]:
    for lane, fast in (("fast lane", "true"), ("aiohttp lane", "false")):
        for place in ("kafka", "store"):
            own = directory / f"{place}-{fast}"
            own.mkdir()
            flags = ["--set", f"http.fast_lane={fast}"]
            flags += ["--set", 'http.trusted_proxies=["127.0.0.1/32"]']
            if place == "kafka":
                flags += ["--kafka", broker.bootstrap, "--set", f"kafka.partitions={partitions}"]
                flags += ["--set", f"kafka.topic_prefix={broker.topic_prefix()}"]
            server = stack.enter_context(start_server(own, *flags))
            yield Subject(
                f"{lane}, {place}",
                server.pid,
                server.port,
                "200 stored",
                partitions if place == "kafka" else 1,
                server.admin_url,
            )


def _peer(directory: Path, broker: Broker, partitions: int, stack: ExitStack) -> Subject:
    directory.mkdir()
    prefix = broker.topic_prefix()
    create = [sys.executable, "-m", "ingest", "topics", "create", "--kafka", broker.bootstrap]
    create += ["--set", f"kafka.topic_prefix={prefix}", "--set", f"kafka.partitions={partitions}"]
    made = spawn(
        create, env=clean_environment(), stdout=directory / "topics", stderr=directory / "topics"
    )
    if made.wait(60):
        raise RuntimeError(f"no topic for the peer:\n{tail(directory / 'topics')}")
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.peer", str(port), broker.bootstrap]
    pid = _start([*command, f"{prefix}.events"], directory, port, stack)
    return Subject("aiohttp + send_and_wait", pid, port, "200 -", partitions)


def _nginx(directory: Path, stack: ExitStack) -> Subject:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError("nginx is missing: run make dev")
    directory.mkdir()
    port = _free_port()
    user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""
    configuration = directory / "nginx.conf"
    configuration.write_text(_NGINX.format(directory=directory, port=port, user=user))
    command = [found, "-p", str(directory), "-e", f"{directory}/error.log", "-c"]
    pid = _start([*command, str(configuration)], directory, port, stack)
    return Subject("nginx empty_gif", pid, port, "200 -")


def _start(command: list[str], directory: Path, port: int, stack: ExitStack) -> int:
    """Start a server and wait until it listens; returns the process's number."""
    output = directory / "output"
    env = clean_environment({"PYTHONPATH": str(_ROOT)})
    process = spawn(command, env=env, stdout=output, stderr=output)
    stack.callback(kill, process)
    until(lambda: _listens(port) or process.poll() is not None, 30, "a server to listen")
    if process.poll() is not None:
        raise RuntimeError(f"{command[0]} ended at its start:\n{tail(output)}")
    return process.pid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
