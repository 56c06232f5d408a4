"""A cluster of three loses brokers; nothing that was confirmed is lost."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, NotEnoughReplicasError

from tests.faults.rig import FULL, Rig
from tests.support.kafka_cluster import BROKERS, Cluster
from tests.support.wait import until_async

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("kafka") / "cluster")
    made.start()
    yield made
    made.kill()


@pytest.fixture
async def rig(tmp_path, cluster):
    """A collector that has made its topics, each partition with three replicas in sync."""
    made = Rig(tmp_path, cluster, ("--set", "kafka.partitions=3"))
    await until_async(lambda: made.server.logged("kafka connected"), what="the topics")
    await _in_sync(cluster, f"{made.prefix}.events", BROKERS)
    yield made
    made.server.kill()
    cluster.start()


async def test_topics_made_on_three_brokers_have_three_replicas(rig):
    assert await rig.broker.replicas(f"{rig.prefix}.events") == BROKERS
    assert await rig.broker.replicas(f"{rig.prefix}.rejected") == BROKERS
    assert not rig.server.logged("kafka topic")  # no finding: acknowledged by two at least


async def test_too_few_replicas_in_sync_spools_says_so_and_is_made_good(rig):
    topic = f"{rig.prefix}.events"
    sending = asyncio.ensure_future(rig.send(150, 32 if FULL else 5))
    await asyncio.sleep(1)
    for number in (2, 3):
        await asyncio.to_thread(rig.broker.brokers[number].kill)
    await _in_sync(rig.broker, topic, 1)
    assert await rig.broker.leaders(topic) == [1, 1, 1]
    # A leader hears a moment later than the metadata that it is alone: until then, no answer.
    alike = f"{rig.prefix}.rejected"  # on the same brokers; what is on `topic` is counted
    await until_async(lambda: _refused(rig.broker.bootstrap, alike), what="too few replicas")
    await until_async(lambda: _said(rig, f"{topic} has a partition with 1 of 3 replicas in sync"))
    await sending
    assert rig.metric("beacon_events_spooled_total") > 0
    assert rig.metric("beacon_spool_events_waiting") > 0
    rig.broker.start_soon()  # from this thread: a child ends with the thread that started it
    await asyncio.to_thread(rig.broker.wait_until_up)
    report = await rig.made_good()
    assert report.found == report.sent


async def test_leaders_killed_one_after_the_other_under_load(rig):
    topic = f"{rig.prefix}.events"
    sending = asyncio.ensure_future(rig.send(150, 16 if FULL else 8))
    await asyncio.sleep(1)
    for _ in range(3 if FULL else 1):
        leader = (await rig.broker.leaders(topic))[0]
        await asyncio.to_thread(rig.broker.brokers[leader].kill)
        await _led_by_others(rig.broker, topic, leader)
        rig.broker.start_soon()
        await asyncio.to_thread(rig.broker.wait_until_up)
        await _in_sync(rig.broker, topic, BROKERS)
    await sending
    report = await rig.made_good()
    assert report.found == report.sent


async def _in_sync(cluster, topic, wanted):
    async def as_wanted():
        return await cluster.in_sync(topic) == wanted

    await until_async(as_wanted, timeout=60, what=f"{wanted} replicas in sync")


async def _led_by_others(cluster, topic, number):
    async def elected():
        return not {number, -1} & set(await cluster.leaders(topic))

    await until_async(elected, timeout=60, what="new leaders")


def _said(rig, words):
    return any(words in str(line) for line in rig.server.logged("kafka topic"))


async def _refused(bootstrap, topic):
    """Whether the broker says that a write finds too few replicas, as the collector's would.

    The producer gives up with the broker's reason, which the collector's never hears.
    """
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", request_timeout_ms=500)
    await producer.start()
    try:
        await producer.send_and_wait(topic, b'{"site":"other","id":""}', partition=0)
    except KafkaError as error:
        return isinstance(error, NotEnoughReplicasError)
    finally:
        await producer.stop()
    return False
