"""What we write to Kafka, read back by clients of three families, and keyed as Java's would."""

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import confluent_kafka
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from ingest.config import Compression, Delivery, Kafka
from ingest.log.batch import Batch, Record
from ingest.log.kafka import KafkaSink
from ingest.log.partition import Partitions
from tests.support.kafka import Broker
from tests.support.stored import NOON
from tests.support.wait import until, until_async

pytestmark = pytest.mark.kafka
_PARTITIONS = 6
_HEADERS = (("content-type", b"application/json"), ("schema", b"event/1"))
_SCRIPT = Path(__file__).with_name("read.js")


class Read(NamedTuple):
    """A record as a client gives it."""

    partition: int
    key: bytes
    value: bytes
    timestamp: int
    headers: tuple[tuple[str, bytes], ...]


def _records() -> list[Record]:
    titles = (f"Grüße, 世界 🌍 {'…' * (n % 50)}" for n in range(300))
    values = (json.dumps({"title": title}, ensure_ascii=False) for title in titles)
    return [
        Record(b"site-%d.example" % (n % 40), value.encode(), NOON + n)
        for n, value in enumerate(values)
    ]


async def _write(config: Kafka, records: Sequence[Record]) -> None:
    sink = KafkaSink(config, Delivery(timeout=10))
    await sink.start()
    await until_async(lambda: sink.ready)
    partitions = sink.by_key
    batches: dict[int, Batch] = {}
    for record in records:
        number = partitions.of(record.key)
        batch = batches.setdefault(number, Batch(os.urandom(16), number, 0.0))
        batch.add(record, lambda _: None)
    await asyncio.gather(*(sink.write(batch) for batch in batches.values()))
    await sink.close()


def _by_kafkajs(server: str, topic: str, count: int) -> list[Read]:
    done = subprocess.run(
        ["node", str(_SCRIPT), server, topic, str(count)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [_from_node(json.loads(line)) for line in done.stdout.splitlines()]


def _from_node(line: dict[str, str]) -> Read:
    headers = sorted((name, value.encode()) for name, value in dict(line["headers"]).items())
    key, value = base64.b64decode(line["key"]), base64.b64decode(line["value"])
    return Read(int(line["partition"]), key, value, int(line["timestamp"]), tuple(headers))


def _by_librdkafka(server: str, topic: str, count: int) -> list[Read]:
    consumer = confluent_kafka.Consumer({"bootstrap.servers": server, "group.id": "none"})
    beginning = confluent_kafka.OFFSET_BEGINNING
    consumer.assign(
        [confluent_kafka.TopicPartition(topic, n, beginning) for n in range(_PARTITIONS)]
    )
    found: list[Read] = []

    def all_there() -> bool:
        found.extend(map(_from_librdkafka, consumer.consume(count - len(found), 1.0)))
        return len(found) == count

    until(all_there, 60)
    consumer.close()
    return found


def _from_librdkafka(message: confluent_kafka.Message) -> Read:
    assert message.error() is None, message.error()
    kind, timestamp = message.timestamp()
    assert kind == confluent_kafka.TIMESTAMP_CREATE_TIME
    headers = tuple(sorted(message.headers()))
    return Read(message.partition(), message.key(), message.value(), timestamp, headers)


def _by_aiokafka(server: str, topic: str, count: int) -> list[Read]:
    async def read() -> list[Read]:
        consumer = AIOKafkaConsumer(bootstrap_servers=server)
        await consumer.start()
        consumer.assign([TopicPartition(topic, number) for number in range(_PARTITIONS)])
        await consumer.seek_to_beginning()
        found = []
        async with asyncio.timeout(60):
            while len(found) < count:
                one = await consumer.getone()
                headers = tuple(sorted(one.headers))
                found.append(Read(one.partition, one.key, one.value, one.timestamp, headers))
        await consumer.stop()
        return found

    return asyncio.run(read())


_READERS = {"kafkajs": _by_kafkajs, "librdkafka": _by_librdkafka, "aiokafka": _by_aiokafka}
_PLAIN = (Compression.NONE, Compression.GZIP, Compression.LZ4)


@pytest.mark.parametrize(
    ("reader", "compression"),
    [
        *((reader, compression) for reader in _READERS for compression in _PLAIN),
        *((reader, Compression.ZSTD) for reader in ("librdkafka", "aiokafka")),
        *((reader, Compression.SNAPPY) for reader in ("librdkafka", "aiokafka")),
    ],
)
def test_reads_keys_values_headers_and_timestamps(
    kafka: Broker, reader: str, compression: Compression
) -> None:
    prefix = kafka.topic_prefix()
    config = Kafka(
        bootstrap_servers=(kafka.bootstrap,),
        topic_prefix=prefix,
        partitions=_PARTITIONS,
        compression=compression,
    )
    records = _records()
    asyncio.run(_write(config, records))
    read: Callable[[str, str, int], list[Read]] = _READERS[reader]
    found = read(kafka.bootstrap, config.topic("events"), len(records))
    partition = Partitions(_PARTITIONS).of
    expected = [
        Read(partition(one.key), one.key, one.value, one.timestamp, _HEADERS) for one in records
    ]
    assert sorted(found) == sorted(expected)
    for number in range(_PARTITIONS):  # within a partition in the order in which they were written
        in_order = [one.timestamp for one in found if one.partition == number]
        assert in_order == sorted(in_order)
    assert len({one.partition for one in found}) == _PARTITIONS


def test_keys_lie_where_another_clients_murmur2_puts_them(kafka: Broker) -> None:
    config = Kafka(
        bootstrap_servers=(kafka.bootstrap,),
        topic_prefix=kafka.topic_prefix(),
        partitions=_PARTITIONS,
    )
    asyncio.run(_write(config, []))
    keys = [b"k" * (n % 30) + b"%d" % n for n in range(500)]
    # librdkafka's own default is CRC32; this one is its rendering of Java's.
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"}
    )
    placed: dict[bytes, int] = {}
    for key in keys:
        producer.produce(
            config.topic("events"),
            key=key,
            on_delivery=lambda error, message: placed.update({message.key(): message.partition()}),
        )
        producer.poll(0)
    assert producer.flush(30) == 0
    partition = Partitions(_PARTITIONS).of
    assert placed == {key: partition(key) for key in keys}
