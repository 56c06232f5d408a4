"""Catching up with the log, end to end: read, counted and saved, from the store and from Kafka.

Each figure is of a process of its own, which finds a log of some hours and no saved counts, and
counts CPU time: of all its threads, so reading, decompressing, SQLite and client libraries are in
it. What filled the log is not.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ForeignPartition

from benchmarks.alone import collect_seldom
from benchmarks.broker import Broker
from benchmarks.cpu import Stopwatch
from benchmarks.log_events import NOON
from benchmarks.peers.peer import create_topics
from ingest.config import Compression, Kafka
from ingest.log.batch import Batch, Record
from ingest.log.machine import Machine
from ingest.log.position import BEGINNING, Position
from ingest.log.reader import Reader
from ingest.log.room import Limits
from ingest.log.segments import Segments
from ingest.stats.follow_kafka import KafkaFollower
from ingest.stats.follow_store import StoreFollower
from ingest.stats.keeper import Keeper
from ingest.stats.stats import Bounds

_BATCH = 262_144
_PARTITIONS = 3
_STORED_TOGETHER = 250
"""Events of a batch in the store."""


class CatchUp(NamedTuple):
    """One way of reading."""

    way: str
    sites: int
    events: int
    cpu: float
    """Seconds of CPU time."""
    wall: float

    @property
    def per_second(self) -> float:
        """Events in a second of one core."""
        return self.events / self.cpu


@dataclass(frozen=True, slots=True)
class Log:
    """Events, and a topic that holds them."""

    kafka: Kafka
    values: Sequence[bytes]
    sites: int

    @classmethod
    def filled(cls, broker: Broker, values: Sequence[bytes], sites: int) -> "Log":
        """Append events in batches as collectors make them under load."""
        kafka = Kafka(bootstrap_servers=(broker.bootstrap,), topic_prefix=broker.topic_prefix())
        create_topics(broker.bootstrap, kafka.topic_prefix, _PARTITIONS)
        asyncio.run(_fill(kafka, values))
        return cls(kafka, values, sites)

    @property
    def topic(self) -> str:
        """Of the events."""
        return self.kafka.topic("events")

    def caught_up(self, way: str, used: Stopwatch) -> CatchUp:
        """All was read."""
        return CatchUp(way, self.sites, len(self.values), used.cpu, used.wall)


def from_store(log: Log) -> CatchUp:
    """Count a store."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        store = Path(directory, "store")
        _append(store, log.values)
        end = _end_of(store)

        async def follow() -> CatchUp:
            follower = StoreFollower(store, _keeper(directory), lambda: end, _now)
            return await _followed("store", log, follower, lambda: follower.position >= end)

        return uvloop.run(follow())


def from_kafka(log: Log) -> CatchUp:
    """Count a topic."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:

        async def follow() -> CatchUp:
            follower = KafkaFollower(log.kafka, _keeper(directory), _now)
            return await _followed(
                "Kafka", log, follower, lambda: sum(follower.offsets.values()) >= len(log.values)
            )

        return uvloop.run(follow())


def read_by_aiokafka(log: Log) -> CatchUp:
    """Only read a topic, as the follower does."""
    return uvloop.run(_read_by_aiokafka(log))


async def _read_by_aiokafka(log: Log) -> CatchUp:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(log.kafka.bootstrap_servers),
        max_partition_fetch_bytes=2 * 1024 * 1024,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    consumer.assign([TopicPartition(log.topic, each) for each in range(_PARTITIONS)])
    used, left = Stopwatch(), len(log.values)
    while left > 0:
        fetched = await consumer.getmany(timeout_ms=500, max_records=4_000)
        left -= sum(map(len, fetched.values()))
    found = log.caught_up("aiokafka alone", used)
    await consumer.stop()
    return found


def read_by_librdkafka(log: Log) -> CatchUp:
    """Only read a topic, by the other client."""
    servers = ",".join(log.kafka.bootstrap_servers)
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": "bench", "enable.auto.commit": False}
    )
    consumer.assign([ForeignPartition(log.topic, number, 0) for number in range(_PARTITIONS)])
    used, left = Stopwatch(), len(log.values)
    while left > 0:
        for message in consumer.consume(4_000, 0.5):
            message.value()
            left -= 1
    found = log.caught_up("librdkafka alone", used)
    consumer.close()
    return found


COUNTED: Sequence[Callable[[Log], CatchUp]] = (from_store, from_kafka)
READ: Sequence[Callable[[Log], CatchUp]] = (read_by_aiokafka, read_by_librdkafka)
"""Without counting."""


def _now() -> int:
    return NOON


def _keeper(directory: str) -> Keeper:
    state = Path(directory, "state")
    state.mkdir()
    return Keeper(state, Bounds(), _now)


async def _followed(
    way: str, log: Log, follower: StoreFollower | KafkaFollower, done: Callable[[], bool]
) -> CatchUp:
    collect_seldom()
    used = Stopwatch()
    follower.start()
    while not done():  # noqa: ASYNC110  (nobody says so)
        await asyncio.sleep(0.02)
    await follower.stop()
    return log.caught_up(way, used)


def _append(directory: Path, values: Sequence[bytes]) -> None:
    """Write a store, in one segment."""
    directory.mkdir()
    segments = Segments(directory, 1 << 40, Limits(1 << 40, 0), Machine())
    segments.start()
    for start in range(0, len(values), _STORED_TOGETHER):
        batch = Batch(start.to_bytes(16), 0, 0.0, NOON)
        for value in values[start : start + _STORED_TOGETHER]:
            batch.add(Record(b"site", value, NOON), lambda _: None)
        segments.append([batch])
    segments.close()


def _end_of(store: Path) -> Position:
    with Reader(store, BEGINNING) as reader:
        reader.skip_to_end()
        return reader.position


async def _fill(kafka: Kafka, values: Sequence[bytes]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=list(kafka.bootstrap_servers),
        compression_type=Compression.LZ4.value,
        max_batch_size=_BATCH,
        linger_ms=20,
    )
    await producer.start()
    for number, value in enumerate(values):
        await producer.send(kafka.topic("events"), value, b"site", number // 100 % _PARTITIONS)
    await producer.stop()
