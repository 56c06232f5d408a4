"""Apache Kafka as a real process: one KRaft server that is broker and controller."""

import contextlib
import itertools
import random
import shutil
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import kill, spawn, tail
from benchmarks.wait import until

JARS = Path(__file__).resolve().parents[1] / ".cache" / "kafka"
START_TIMEOUT = 60.0
USER = "ingest"
PASSWORD = "correct-horse"
"""Accepted by the listener at `Broker.sasl`, with PLAIN and with SCRAM-SHA-256."""

_JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"
# The short session is for restarts: a killed broker is only let in again once its last one ended.
_COMMON = {
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": (
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LINK:PLAINTEXT,SASL:SASL_PLAINTEXT"
    ),
    "auto.create.topics.enable": "false",
    "broker.heartbeat.interval.ms": "200",
    "broker.session.timeout.ms": "1200",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}
_LOGIN = "org.apache.kafka.common.security"
_LOGINS = {
    "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
    "listener.name.sasl.plain.sasl.jaas.config": (
        f'{_LOGIN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
    ),
    "listener.name.sasl.scram-sha-256.sasl.jaas.config": (
        f"{_LOGIN}.scram.ScramLoginModule required;"
    ),
}
_AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}
_GIVEN_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_formatted: dict[str, dict[str, bytes]] = {}
"""Files of a new data directory, by the node's number: making them takes a Java of its own."""
_prefixes = itertools.count(1)


def topic_prefix() -> str:
    """A prefix for topics that no other test uses."""
    return f"t{next(_prefixes)}-{uuid.uuid4().hex[:8]}"


class Node:
    """One Kafka process, whatever its role."""

    def __init__(self, directory: Path, port: int, settings: Mapping[str, str]) -> None:
        """`directory` must not exist; `port` is asked whether it is up. `start` runs it."""
        _check_tools()
        self._directory = directory
        self._data = directory / "data"
        self._output = directory / "kafka.log"
        self._port = port
        self._number = settings["node.id"]
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True)
        lines = _COMMON | {"log.dirs": str(self._data)} | settings
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        self._properties.write_text(text)

    @property
    def data(self) -> Path:
        """The directory of its topics' files."""
        return self._data

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, with the data it had, and wait until it takes requests."""
        self.start_soon()
        self.wait_until_up()

    def start_soon(self) -> None:
        """Start it and do not wait."""
        self.format()
        self._process = spawn(
            [*_JAVA, "-cp", f"{JARS}/*", "kafka.Kafka", str(self._properties)],
            env=_environment(),
            stdout=self._output,
            stderr=self._output,
        )

    def wait_until_up(self, brokers: int = 1) -> None:
        """Wait until it takes requests and knows `brokers`, itself among them.

        Fails with its output when it does not start.
        """
        until(lambda: self._knows(brokers) or self._ended(), START_TIMEOUT, "Kafka to answer")
        if self._ended():
            raise AssertionError(f"Kafka ended at its start:\n{tail(self._output)}")

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        if self._process is not None:
            kill(self._process)
            self._process = None

    def pause(self) -> None:
        """Stop it without ending it (SIGSTOP): its connections stay and say nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # On a busy machine its threads go on for a moment after the signal, and answer.
        until(self._stands_still, what="Kafka to stand still")

    def resume(self) -> None:
        """Let it go on after `pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether it was started, and not killed."""
        return self._process is not None

    def format(self) -> None:
        """Make its data directory, once: `start` does so too, but several can do it together.

        A node of the same number as one before gets what Kafka's tool made then.
        """
        if self._data.exists():
            return
        files = _formatted.get(self._number)
        if files is not None:
            self._data.mkdir()
            for name, content in files.items():
                (self._data / name).write_bytes(content)
            return
        scram = f"SCRAM-SHA-256=[name={USER},password={PASSWORD}]"
        arguments = ("format", "-t", _CLUSTER, "-c", str(self._properties), "--add-scram", scram)
        run_tool("kafka.tools.StorageTool", *arguments)
        _formatted[self._number] = {file.name: file.read_bytes() for file in self._data.iterdir()}

    @property
    def _properties(self) -> Path:
        return self._directory / "server.properties"

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _stands_still(self) -> bool:
        states = [
            file.read_text().rpartition(")")[2].split()[0]
            for file in Path(f"/proc/{self.pid}/task").glob("*/stat")
        ]
        return bool(states) and set(states) == {"T"}

    def _knows(self, brokers: int) -> bool:
        # An own thread's loop would do as well; a test's loop must not run here, so ask by hand.
        try:
            with socket.create_connection(("127.0.0.1", self._port), 0.5) as connection:
                return _brokers_known(connection) == brokers
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a broker listens; they stay the same when it is started again."""

    plain: int
    sasl: int
    controller: int
    link: int


class Broker(Node):
    """A broker with replication 1 that creates no topic by itself."""

    def __init__(self, directory: Path, link: int | None = None, authorizes: bool = False) -> None:
        """`directory` must not exist; nothing runs before `start`.

        `link` is the port of a proxy on this machine: who comes by it is sent there again, since
        a broker tells its clients where to connect to. `authorizes`: who comes by `sasl` may do
        what its ACLs allow, and nothing else.
        """
        self.ports = Ports(*free_ports(4))
        ports = self.ports
        clients = [f"PLAINTEXT://127.0.0.1:{ports.plain}", f"SASL://127.0.0.1:{ports.sasl}"]
        controller = f"CONTROLLER://127.0.0.1:{ports.controller}"
        linked = [f"LINK://127.0.0.1:{ports.link}"] if link else []
        advertised = [f"LINK://127.0.0.1:{link}"] if link else []
        settings = _LOGINS | {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{ports.controller}",
            "listeners": ",".join([*clients, *linked, controller]),
            "advertised.listeners": ",".join([*clients, *advertised]),
        }
        super().__init__(directory, ports.plain, settings | (_AUTHORIZER if authorizes else {}))

    @property
    def bootstrap(self) -> str:
        """`HOST:PORT` without authentication."""
        return f"127.0.0.1:{self.ports.plain}"

    @property
    def sasl(self) -> str:
        """`HOST:PORT` of the SASL_PLAINTEXT listener."""
        return f"127.0.0.1:{self.ports.sasl}"

    def topic_prefix(self) -> str:
        """A prefix for topics that no other test uses."""
        return topic_prefix()


@contextlib.contextmanager
def running_broker(directory: Path, link: int | None = None) -> Iterator[Broker]:
    """Run one until the end of the block."""
    broker = Broker(directory, link)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


def run_tool(name: str, *arguments: str) -> None:
    """Run one of Kafka's tools by the name of its class; fails with what it says."""
    _check_tools()
    command = [*_JAVA, "-cp", f"{JARS}/*", name, *arguments]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on.

    They are not of those that the kernel gives to connections, and to who asks for any: between our
    look and the listener's start, and while a broker is away, one of these could be taken.
    """
    ports: set[int] = set()
    while len(ports) < count:
        port = random.choice(_ports_of_nobody())
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.add(port)
    return list(ports)


def _ports_of_nobody() -> Sequence[int]:
    first, last = map(int, _GIVEN_PORTS.read_text().split())
    return [*range(10_000, first), *range(last + 1, 65_536)] or range(10_000, 65_536)


def _brokers_known(connection: socket.socket) -> int:
    """Ask for metadata (version 0, of no topic) and count the brokers named in the answer."""
    body = (3).to_bytes(2) + (0).to_bytes(2) + (1).to_bytes(4) + b"\xff\xff" + (1).to_bytes(4)
    topic = b"\x00\x01x"
    request = body + topic
    connection.settimeout(5)
    connection.sendall(len(request).to_bytes(4) + request)
    answer = connection.recv(12)
    return int.from_bytes(answer[8:12]) if len(answer) == 12 else 0


def _check_tools() -> None:
    if not list(JARS.glob("kafka_2.13-*.jar")):
        raise AssertionError(f"Kafka's jars are not in {JARS}: run tests/setup.sh test")
    if shutil.which("java") is None:
        raise AssertionError("java is missing: run tests/setup.sh test")


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
