"""Three Kafka brokers and a controller of their own, so that any two brokers may be away."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.support.kafka import Node, free_ports, topic_prefix
from tests.support.wait import until_async

BROKERS = 3
_CONTROLLER = 100
"""The controller's number; the brokers' are 1 to 3."""


class Cluster:
    """Brokers that a test may kill, pause and start again."""

    def __init__(self, directory: Path) -> None:
        """`directory` must not exist; nothing runs before `start`."""
        controller, *self._ports = free_ports(1 + BROKERS)
        voters = {"controller.quorum.voters": f"{_CONTROLLER}@127.0.0.1:{controller}"}
        roles = {
            "process.roles": "controller",
            "node.id": str(_CONTROLLER),
            "listeners": f"CONTROLLER://127.0.0.1:{controller}",
        }
        self._controller = Node(directory / "controller", controller, voters | roles)
        self.brokers = {
            number: _broker(directory / f"broker-{number}", number, port, voters)
            for number, port in enumerate(self._ports, start=1)
        }
        """By number."""

    @property
    def bootstrap(self) -> str:
        """`HOST:PORT,HOST:PORT,…`."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ports)

    def topic_prefix(self) -> str:
        """A prefix for topics that no other test uses."""
        return topic_prefix()

    def start(self) -> None:
        """Start what does not run, all at once, and wait until each knows all the others."""
        self.start_soon()
        self.wait_until_up()

    def start_soon(self) -> None:
        """Start what does not run, and do not wait."""
        nodes = (self._controller, *self.brokers.values())
        with ThreadPoolExecutor() as pool:
            list(pool.map(Node.format, nodes))
        for node in nodes:
            if not node.running:
                node.start_soon()

    def wait_until_up(self) -> None:
        """Wait until each broker takes requests and knows the others."""
        for node in self.brokers.values():
            node.wait_until_up(BROKERS)

    def kill(self) -> None:
        """End all of it."""
        for node in (*self.brokers.values(), self._controller):
            node.kill()

    async def leaders(self, topic: str) -> Sequence[int]:
        """The leader of each of the topic's partitions; -1 where there is none."""
        return [int(partition["leader"]) for partition in await self._partitions(topic)]

    async def replicas(self, topic: str) -> int:
        """How many replicas the topic's partitions have."""
        return min(len(partition["replicas"]) for partition in await self._partitions(topic))

    async def in_sync(self, topic: str) -> int:
        """How many replicas are in sync, in the partition that has the fewest."""
        return min(len(partition["isr"]) for partition in await self._partitions(topic))

    async def _partitions(self, topic: str) -> Sequence[dict[str, Any]]:
        return await until_async(lambda: self._described(topic), what=f"the partitions of {topic}")

    async def _described(self, topic: str) -> Sequence[dict[str, Any]]:
        """Nothing where it asked a broker that was killed just now."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            await admin.start()
            (found,) = [each for each in await admin.describe_topics() if each["topic"] == topic]
        except KafkaError:
            return []
        finally:
            await admin.close()
        return sorted(found["partitions"], key=lambda partition: partition["partition"])


def _broker(directory: Path, number: int, port: int, voters: dict[str, str]) -> Node:
    listener = f"PLAINTEXT://127.0.0.1:{port}"
    roles = {"process.roles": "broker", "node.id": str(number), "listeners": listener}
    return Node(directory, port, voters | roles)
