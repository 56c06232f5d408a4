"""Kafka is there and does not take what it is given; nothing that was confirmed is lost."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from ingest.config import Kafka
from ingest.log.kafka_client import CLIENT_ID
from tests.faults.rig import FULL, Rig
from tests.support.kafka import run_tool
from tests.support.tail import tail_events
from tests.support.wait import until_async

pytestmark = pytest.mark.kafka
_HOUR_MS = 3_600_000


@pytest.fixture
def rig(tmp_path, kafka):
    made = Rig(tmp_path, kafka)
    yield made
    made.server.kill()


async def test_a_topic_deleted_under_our_feet_is_made_anew_and_nothing_is_lost(rig):
    topic = f"{rig.prefix}.events"
    await until_async(lambda: rig.server.logged("kafka connected"))
    # A broker makes a new topic's directories a moment after it knows of the topic.
    partitions = Kafka(bootstrap_servers=("localhost:1",)).partitions
    await until_async(lambda: len(list(rig.broker.data.glob(f"{topic}-*"))) == partitions)
    directories = {path: path.stat().st_ino for path in rig.broker.data.glob(f"{topic}-*")}
    await _delete(rig.broker.bootstrap, topic)  # before the first ping: what was on it is gone
    # Deleted, it still takes records for a moment, until its leader has heard of it.
    await until_async(lambda: not any(_is_still(*known) for known in directories.items()))
    await rig.send(150, 4)
    report = await rig.made_good()
    assert report.found == report.sent
    assert rig.metric("beacon_events_spooled_total") > 0
    made = [line["topic"] for line in rig.server.logged("kafka topic created")]
    assert made.count(topic) == 2


async def test_a_throttled_producer_spools_and_is_made_good_without_the_quota(rig):
    await _quota(rig.broker.bootstrap, "--add-config", "producer_byte_rate=1000")
    try:
        await rig.send(150, 30 if FULL else 4)
        assert rig.metric("beacon_events_spooled_total") > 0
    finally:
        await _quota(rig.broker.bootstrap, "--delete-config", "producer_byte_rate")
    report = await rig.made_good()
    assert report.found == report.sent


async def test_a_record_too_old_for_the_topic_is_put_aside_and_its_neighbours_go_through(
    tmp_path, kafka
):
    prefix = kafka.topic_prefix()
    settings = {"message.timestamp.before.max.ms": str(_HOUR_MS)}
    await _create(kafka.bootstrap, f"{prefix}.events", settings)
    rig = Rig(tmp_path, kafka, ("--set", f"kafka.topic_prefix={prefix}"))
    rig.prefix = prefix
    try:
        old = f"/p.gif?s={rig.answers.site}&age={2 * _HOUR_MS}"
        sending = asyncio.ensure_future(rig.send(100, 2))
        await asyncio.sleep(0.5)
        answer = await asyncio.to_thread(rig.ask, old)
        assert answer.outcome == "stored"
        await sending
        report = await rig.made_good()
        assert report.found == report.sent
        assert rig.metric("beacon_spool_events_quarantined_total") == 1
        (aside,) = tail_events(rig.server.data_dir, "--topic", "quarantine")
        assert aside["event"]["id"] not in rig.answers.sent
        assert "timestamp" in aside["reason"]
    finally:
        rig.server.kill()


async def _quota(bootstrap, *change):
    whom = ("--entity-type", "clients", "--entity-name", CLIENT_ID)
    command = ("--bootstrap-server", bootstrap, "--alter", *whom, *change)
    await asyncio.to_thread(run_tool, "kafka.admin.ConfigCommand", *command)


async def _create(bootstrap, name, settings):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1, topic_configs=settings)])
    finally:
        await admin.close()


def _is_still(path, inode):
    """Whether a directory is the same as before, not renamed, and not another's."""
    try:
        return path.stat().st_ino == inode
    except FileNotFoundError:
        return False


async def _delete(bootstrap, name):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([name])
    finally:
        await admin.close()
