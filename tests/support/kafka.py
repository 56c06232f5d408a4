"""Apache Kafka as a real process: one KRaft server that is broker and controller."""

import itertools
import shutil
import signal
import socket
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.support.process import kill, spawn, tail
from tests.support.wait import until

JARS = Path(__file__).resolve().parents[2] / ".cache" / "kafka"
START_TIMEOUT = 60.0
USER = "ingest"
PASSWORD = "correct-horse"
"""Accepted by the listener at `Broker.sasl`, with PLAIN and with SCRAM-SHA-256."""

_JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"
_LOGIN = "org.apache.kafka.common.security"
# The short session is for restarts: a killed broker is only let in again once its last one ended.
_PROPERTIES = f"""
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{{controller}}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{{port}},SASL://127.0.0.1:{{sasl}},CONTROLLER://127.0.0.1:{{controller}}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.sasl.plain.sasl.jaas.config={_LOGIN}.plain.PlainLoginModule required \
user_{USER}="{PASSWORD}";
listener.name.sasl.scram-sha-256.sasl.jaas.config={_LOGIN}.scram.ScramLoginModule required;
log.dirs={{data}}
auto.create.topics.enable=false
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1200
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a broker listens; they stay the same when it is started again."""

    plain: int
    sasl: int
    controller: int


class Broker:
    """A broker with replication 1 that creates no topic by itself."""

    _prefixes = itertools.count(1)

    def __init__(self, directory: Path) -> None:
        """`directory` must not exist; nothing runs before `start`."""
        _check_tools()
        self._directory = directory
        self._data = directory / "data"
        self._output = directory / "kafka.log"
        self._ports = Ports(*_free_ports(3))
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True)
        text = _PROPERTIES.format(
            port=self._ports.plain,
            sasl=self._ports.sasl,
            controller=self._ports.controller,
            data=self._data,
        )
        self._properties.write_text(text)

    @property
    def bootstrap(self) -> str:
        """`HOST:PORT` without authentication."""
        return f"127.0.0.1:{self._ports.plain}"

    @property
    def sasl(self) -> str:
        """`HOST:PORT` of the SASL_PLAINTEXT listener."""
        return f"127.0.0.1:{self._ports.sasl}"

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    def topic_prefix(self) -> str:
        """A prefix for topics that no other test uses."""
        return f"t{next(self._prefixes)}-{uuid.uuid4().hex[:8]}"

    def start(self) -> None:
        """Start it, with the data it had, and wait until it takes requests."""
        self.start_soon()
        self.wait_until_up()

    def start_soon(self) -> None:
        """Start it and do not wait."""
        if not self._data.exists():
            self._format()
        self._process = spawn(
            [*_JAVA, "-cp", f"{JARS}/*", "kafka.Kafka", str(self._properties)],
            env=_environment(),
            stdout=self._output,
            stderr=self._output,
        )

    def wait_until_up(self) -> None:
        """Wait until it takes requests; fails with its output when it does not start."""
        until(lambda: self._answers() or self._ended(), START_TIMEOUT, "Kafka to answer")
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

    def resume(self) -> None:
        """Let it go on after `pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def _properties(self) -> Path:
        return self._directory / "server.properties"

    def _format(self) -> None:
        storage = [*_JAVA, "-cp", f"{JARS}/*", "kafka.tools.StorageTool", "format"]
        scram = f"SCRAM-SHA-256=[name={USER},password={PASSWORD}]"
        command = [*storage, "-t", _CLUSTER, "-c", str(self._properties), "--add-scram", scram]
        done = subprocess.run(
            command, env=_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _answers(self) -> bool:
        # An own thread's loop would do as well; a test's loop must not run here, so ask by hand.
        try:
            with socket.create_connection(("127.0.0.1", self._ports.plain), 0.5) as connection:
                return _knows_itself(connection)
        except OSError:
            return False


def _knows_itself(connection: socket.socket) -> bool:
    """Ask for metadata (version 0, of no topic) and see whether a broker is named in the answer."""
    body = (3).to_bytes(2) + (0).to_bytes(2) + (1).to_bytes(4) + b"\xff\xff" + (1).to_bytes(4)
    topic = b"\x00\x01x"
    request = body + topic
    connection.settimeout(5)
    connection.sendall(len(request).to_bytes(4) + request)
    answer = connection.recv(12)
    return len(answer) == 12 and int.from_bytes(answer[8:12]) == 1


def _check_tools() -> None:
    if not list(JARS.glob("kafka_2.13-*.jar")):
        raise AssertionError(f"Kafka's jars are not in {JARS}: run tests/setup.sh test")
    if shutil.which("java") is None:
        raise AssertionError("java is missing: run tests/setup.sh test")


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(made.getsockname()[1]) for made in sockets]
    for made in sockets:
        made.close()
    return ports
