"""The events' topic, filled by hand."""

import os
from collections.abc import Mapping

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from ingest.config import Kafka
from ingest.stats.kafka_topics import NAME
from tests.stats.support import NOON

PARTITIONS = 3


async def create(config: Kafka) -> None:
    """Create the events' topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=list(config.bootstrap_servers))
    await admin.start()
    try:
        # For ever: the tests' events are of a day that a broker's retention has let go long ago.
        kept = {"retention.ms": "-1"}
        await admin.create_topics(
            [NewTopic(config.topic("events"), PARTITIONS, 1, topic_configs=kept)]
        )
    finally:
        await admin.close()


async def delete(config: Kafka, name: str) -> None:
    """Delete a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=list(config.bootstrap_servers))
    await admin.start()
    try:
        await admin.delete_topics([config.topic(name)])
    finally:
        await admin.close()


async def say(config: Kafka, numbers: Mapping[str, int]) -> None:
    """Publish who is there now."""
    producer = AIOKafkaProducer(bootstrap_servers=list(config.bootstrap_servers), acks="all")
    await producer.start()
    try:
        for site, now in numbers.items():
            value = orjson.dumps({"now": now, "as_of": NOON})
            await producer.send_and_wait(config.topic(NAME), value, site.encode())
    finally:
        await producer.stop()


async def produce(config: Kafka, values: list[bytes]) -> None:
    """Append events, over all partitions."""
    producer = AIOKafkaProducer(bootstrap_servers=list(config.bootstrap_servers), acks="all")
    await producer.start()
    try:
        for number, value in enumerate(values):
            key = os.urandom(4)
            topic = config.topic("events")
            await producer.send(topic, value, key, number % PARTITIONS, NOON)
        await producer.flush()
    finally:
        await producer.stop()
