"""Topics as we create them, and what is said of others, on a real broker."""

import asyncio
import os
import re
import time

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from ingest.config import Compression, Delivery, Kafka
from ingest.log.batch import Batch, Record, Settled, nobody
from ingest.log.kafka import KafkaSink
from ingest.log.sink import RecordRefused, SinkUnavailable
from ingest.log.topics import RETENTION_MS, SEGMENT_MS, Finding, Severity, _new, check, create
from tests.support.kafka import Broker
from tests.support.wait import until_async

pytestmark = pytest.mark.kafka
_DAY_MS = 86_400_000


def _config(broker: Broker, **more: object) -> Kafka:
    made = {"bootstrap_servers": (broker.bootstrap,), "topic_prefix": broker.topic_prefix()}
    return Kafka(**(made | more))


async def _make(config: Kafka, name: str, partitions: int = 6, **settings: str) -> None:
    topic = NewTopic(
        config.topic(name),
        partitions,
        1,
        topic_configs={name.replace("_", "."): value for name, value in settings.items()},
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=list(config.bootstrap_servers))
    await admin.start()
    try:
        await admin.create_topics([topic])
        await _listed(admin, topic.name)
    finally:
        await admin.close()


async def _listed(admin: AIOKafkaAdminClient, name: str) -> None:
    """Brokers hear of a topic a moment after its creation was answered."""
    async with asyncio.timeout(30):
        while name not in await admin.list_topics():
            await asyncio.sleep(0.05)


async def _created(config: Kafka) -> list[Finding]:
    made = await create(config)
    admin = AIOKafkaAdminClient(bootstrap_servers=list(config.bootstrap_servers))
    await admin.start()
    try:
        for name in ("events", "rejected"):
            await _listed(admin, config.topic(name))
    finally:
        await admin.close()
    return made


async def _settings(config: Kafka, name: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=list(config.bootstrap_servers))
    await admin.start()
    try:
        asked = [ConfigResource(ConfigResourceType.TOPIC, config.topic(name))]
        [response] = await admin.describe_configs(asked)
        return {entry[0]: entry[1] for entry in response.resources[0][4]}
    finally:
        await admin.close()


def _said(findings: list[Finding], severity: Severity) -> str:
    return "\n".join(finding.text for finding in findings if finding.severity is severity)


async def test_creates_what_is_missing_once(kafka: Broker) -> None:
    config = _config(kafka)
    first = await _created(config)
    for name in ("events", "rejected"):
        assert f"topic {config.topic(name)} created" in _said(first, Severity.OK)
        settings = await _settings(config, name)
        assert settings["retention.ms"] == str(RETENTION_MS)
        assert settings["segment.ms"] == str(SEGMENT_MS)
        assert settings["cleanup.policy"] == "delete"
    assert "created" not in _said(await create(config), Severity.OK)


async def test_warns_that_one_broker_is_one_machines_memory(kafka: Broker) -> None:
    config = _config(kafka)
    assert "one machine's memory" in _said(await _created(config), Severity.WARNING)
    assert "replication 1" in _said(await check(config), Severity.WARNING)


@pytest.mark.parametrize(
    ("brokers", "replication", "in_sync"), [(1, 1, "1"), (2, 2, "1"), (3, 3, "2"), (9, 3, "2")]
)
def test_replication_follows_the_number_of_brokers(
    brokers: int, replication: int, in_sync: str
) -> None:
    topic = _new("beacon.events", Kafka(), brokers)
    assert topic.replication_factor == replication
    assert topic.topic_configs["min.insync.replicas"] == in_sync


async def test_checking_creates_nothing(kafka: Broker) -> None:
    config = _config(kafka)
    for _ in range(2):
        findings = await check(config)
        assert [finding.severity for finding in findings] == [Severity.WARNING] * 2
        assert "does not exist" in findings[0].text


async def test_what_keeps_events_too_long_is_an_error(kafka: Broker) -> None:
    config = _config(kafka)
    await _make(config, "events", retention_ms=str(30 * _DAY_MS), segment_ms=str(7 * _DAY_MS))
    await _make(config, "rejected", retention_ms="-1", cleanup_policy="compact")
    errors = _said(await check(config), Severity.ERROR)
    assert f"{config.topic('events')} keeps records 30 days" in errors
    assert f"{config.topic('events')} goes on with a segment for 7 days" in errors
    assert f"{config.topic('rejected')} keeps records for ever" in errors
    assert f"{config.topic('rejected')} deletes nothing" in errors


async def test_other_shapes_are_warned_of(kafka: Broker) -> None:
    config = _config(kafka, partitions=6)
    shape = {"retention_ms": str(RETENTION_MS), "segment_ms": str(SEGMENT_MS)}
    clock = {"message_timestamp_type": "LogAppendTime"}
    await _make(config, "events", 3, max_message_bytes="100000", **clock, **shape)
    await _make(config, "rejected", 3, **shape)
    findings = await check(config)
    warnings = _said(findings, Severity.WARNING)
    assert not _said(findings, Severity.ERROR)
    assert f"{config.topic('events')} has 3 partitions" in warnings
    assert f"{config.topic('rejected')} has 3 partitions" not in warnings
    assert "raise max.message.bytes" in warnings
    assert "overwrites timestamps" in warnings


async def test_a_topic_that_may_refuse_one_event_is_an_error_that_says_what_to_set(
    kafka: Broker,
) -> None:
    config = _config(kafka, batch_bytes=1_024, compression=Compression.NONE)
    shape = {"retention_ms": str(RETENTION_MS), "segment_ms": str(SEGMENT_MS)}
    await _make(config, "events", 1, max_message_bytes="30000", **shape)
    record = Record(b"k" * 64, os.urandom(40_000), int(time.time() * 1000))
    largest = len(record.key) + len(record.value)
    (said,) = _said(await check(config, largest), Severity.ERROR).splitlines()
    assert f"topic {config.topic('events')} takes 30000 bytes at once, and one event" in said
    with pytest.raises(RecordRefused):
        await _write(config, record)
    enough = re.fullmatch(r".*; raise max\.message\.bytes to (\d+)", said)
    assert enough
    wider = _config(kafka, batch_bytes=1_024, compression=Compression.NONE)
    await _make(wider, "events", 1, max_message_bytes=enough[1], **shape)
    assert not _said(await check(wider, largest), Severity.ERROR)
    assert await _write(wider, record) is Settled.DIRECT


async def _write(config: Kafka, record: Record) -> Settled:
    batch = Batch(bytes(16), 0, 0.0)
    batch.add(record, nobody)
    sink = KafkaSink(config, Delivery(timeout=10))
    await sink.start()
    try:
        await until_async(lambda: sink.ready, what="the sink to connect")
        return await sink.write(batch)
    finally:
        await sink.close()


async def test_timestamps_that_a_topic_would_refuse_are_warned_of(kafka: Broker) -> None:
    config = _config(kafka)
    narrow = {"message_timestamp_before_max_ms": str(_DAY_MS)}
    narrow["message_timestamp_after_max_ms"] = "60000"
    await _make(config, "events", **narrow)
    await _make(config, "rejected")
    warnings = _said(await check(config), Severity.WARNING)
    events = config.topic("events")
    assert f"topic {events} has message.timestamp.before.max.ms={_DAY_MS}: " in warnings
    assert f"topic {events} has message.timestamp.after.max.ms=60000: " in warnings
    assert f"topic {config.topic('rejected')} has message.timestamp" not in warnings


async def test_kafka_away_is_said(kafka: Broker) -> None:
    config = _config(kafka, bootstrap_servers=("127.0.0.1:1",))
    with pytest.raises(SinkUnavailable, match=r"127\.0\.0\.1:1: connection refused"):
        await check(config)
