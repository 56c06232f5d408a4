"""A store and a topic are read on from where they ended, each record once."""

import uuid

import pytest
from aiokafka import AIOKafkaProducer

from benchmarks.peers.peer import create_topics
from benchmarks.reconcile_places import CannotLook, Store, Topic
from ingest.config import Kafka, SecurityProtocol
from tests.support.kafka import PASSWORD, USER
from tests.support.raw import request
from tests.support.server import start_server


@pytest.fixture
def config(kafka):
    prefix = kafka.topic_prefix()
    create_topics(kafka.bootstrap, prefix, 3)
    return Kafka(bootstrap_servers=(kafka.bootstrap,), topic_prefix=prefix)


async def _produce(config, *values):
    servers = list(config.bootstrap_servers)
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
        for number, value in enumerate(values):
            await producer.send_and_wait(
                config.topic("events"), value, key=b"key", partition=number % 3
            )


async def _read(place):
    taken = []
    await place.read(taken.append)
    return sorted(taken)


@pytest.mark.kafka
async def test_a_topic_is_read_on_from_its_end_and_each_record_once(config):
    await _produce(config, b"old-0", b"old-1", b"old-2", b"old-3")
    topic = Topic(config)
    await topic.skip_to_end()
    try:
        assert await _read(topic) == []
        await _produce(config, b"new-0", b"new-1")
        assert await _read(topic) == [b"new-0", b"new-1"]
        assert await _read(topic) == []
        await topic.close()  # as after a failure: it is opened again where it stood
        await _produce(config, b"new-2")
        assert await _read(topic) == [b"new-2"]
    finally:
        await topic.close()


@pytest.mark.kafka
async def test_a_topic_is_read_from_its_beginning_where_nothing_was_skipped(config):
    await _produce(config, b"0", b"1")
    topic = Topic(config)
    try:
        assert await _read(topic) == [b"0", b"1"]
    finally:
        await topic.close()


@pytest.mark.kafka
async def test_a_record_without_a_value_is_handed_over(config):
    topic = Topic(config)
    taken = []
    await _produce(config, None)
    try:
        await topic.read(taken.append)
        assert taken == [None]
    finally:
        await topic.close()


def _secured(kafka, config, password):
    return Kafka(
        bootstrap_servers=(kafka.sasl,),
        topic_prefix=config.topic_prefix,
        security_protocol=SecurityProtocol.SASL_PLAINTEXT,
        sasl_username=USER,
        sasl_password=password,
    )


@pytest.mark.kafka
async def test_a_secured_topic_is_read_with_the_collectors_options(kafka, config):
    topic = Topic(_secured(kafka, config, PASSWORD))
    await topic.skip_to_end()
    await _produce(config, b"new")
    try:
        assert await _read(topic) == [b"new"]
    finally:
        await topic.close()


@pytest.mark.kafka
async def test_a_wrong_password_is_said_and_not_repeated(kafka, config):
    with pytest.raises(CannotLook, match="authentication refused") as raised:
        await Topic(_secured(kafka, config, "wrong-horse")).skip_to_end()
    assert "wrong-horse" not in str(raised.value)


@pytest.mark.kafka
async def test_a_topic_that_does_not_exist_is_said(kafka):
    config = Kafka(bootstrap_servers=(kafka.bootstrap,), topic_prefix=kafka.topic_prefix())
    with pytest.raises(CannotLook, match="does not exist on this cluster"):
        await Topic(config).skip_to_end()


async def test_a_kafka_that_nobody_reaches_is_said():
    with pytest.raises(CannotLook, match=r"127\.0\.0\.1:1.*refused"):
        await Topic(Kafka(bootstrap_servers=("127.0.0.1:1",))).skip_to_end()


async def test_a_store_is_read_on_from_its_end_and_each_record_once(tmp_path):
    with start_server(tmp_path) as server:
        _ping(server)
        store = Store(server.data_dir)
        await store.skip_to_end()
        assert await _read(store) == []
        sent = _ping(server)
        (found,) = await _read(store)
        assert sent.encode() in found
        assert await _read(store) == []
        await store.close()


def _ping(server):
    event_id = str(uuid.uuid4())
    assert request(server.url, f"/p.gif?s=a&id={event_id}").outcome == "stored"
    return event_id


@pytest.mark.parametrize("made", ["", "data"])
def test_a_directory_without_a_store_is_said(tmp_path, made):
    (tmp_path / made).mkdir(exist_ok=True)
    with pytest.raises(CannotLook, match="does not exist"):
        Store(tmp_path / "data")
