"""The Kafka sink against a real broker, and what becomes of batches when that is away."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import OutOfOrderSequenceNumber, ProducerFenced

from ingest.config import Compression, Delivery, Kafka, SaslMechanism, SecurityProtocol
from ingest.log import kafka_shortcut
from ingest.log.batch import Batch, Record, Settled
from ingest.log.kafka import KafkaSink
from ingest.log.kafka_client import admin_client
from ingest.log.sink import RecordRefused, SinkError, SinkTimeout, SinkUnavailable
from ingest.log.topics import REJECTED, create_missing
from tests.support.kafka import PASSWORD, USER, Broker
from tests.support.wait import until_async

pytestmark = pytest.mark.kafka
_ids = itertools.count(1)


def _config(broker: Broker, **more: object) -> Kafka:
    prefix = broker.topic_prefix()
    made = {"bootstrap_servers": (broker.bootstrap,), "topic_prefix": prefix, "partitions": 2}
    return Kafka(**(made | more))


def _batch(*values: bytes, partition: int = 0, timestamp: int | None = None) -> Batch:
    made = Batch(next(_ids).to_bytes(16), partition, 0.0)
    for value in values:
        when = int(time.time() * 1000) if timestamp is None else timestamp
        made.add(Record(b"site", value, when), lambda _: None)
    return made


@asynccontextmanager
async def _sink(
    config: Kafka, timeout: float = 5.0, *, wait: bool = True
) -> AsyncIterator[KafkaSink]:
    sink = KafkaSink(config, Delivery(timeout=timeout))
    await sink.start()
    try:
        if wait:
            await until_async(lambda: sink.ready, what="the sink to connect")
        yield sink
    finally:
        await sink.close()


async def _read(config: Kafka, topic: str | None = None) -> list[bytes]:
    """All values in the topic now."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(config.bootstrap_servers), auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        await consumer._client.fetch_all_metadata()
        name = topic or config.topic("events")
        consumer.subscribe([name])
        await until_async(consumer.assignment)
        ends = await consumer.end_offsets(consumer.assignment())
        values = []
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                values.append((await consumer.getone(partition)).value)
        return values
    finally:
        await consumer.stop()


async def _written(sink: KafkaSink, batch: Batch) -> Settled | None:
    try:
        return await sink.write(batch)
    except SinkUnavailable:
        return None


async def test_writes_whole_batches_and_creates_the_topic_first(kafka: Broker) -> None:
    config = _config(kafka)
    async with _sink(config) as sink:
        assert sink.partitions == 2
        assert sink.trouble is None
        settled = await asyncio.gather(
            *(sink.write(_batch(b"%d" % n, b"%d+" % n, partition=n % 2)) for n in range(20))
        )
        assert set(settled) == {Settled.DIRECT}
    expected = sorted(b"%d%s" % (n, end) for n in range(20) for end in (b"", b"+"))
    assert sorted(await _read(config)) == expected


async def test_a_topic_for_rejected_events_that_cannot_be_made_keeps_no_event_from_kafka(
    kafka: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    config = _config(kafka)
    await _make_topic(config, 1, f"{config.topic_prefix}_rejected")  # too like ours, says Kafka
    async with _sink(config) as sink:
        assert await sink.write(_batch(b"x")) is Settled.DIRECT
    found = [record.fields["finding"] for record in caplog.records if record.msg == "kafka topic"]
    unmade = f"topic {config.topic('rejected')} cannot be created: "
    assert len([text for text in found if text.startswith(unmade)]) == 1
    async with admin_client(config) as admin:
        with pytest.raises(SinkUnavailable, match=unmade):
            await create_missing(admin, config, REJECTED)
    assert await _read(config) == [b"x"]


@pytest.mark.parametrize("compression", list(Compression))
async def test_every_compression_arrives(kafka: Broker, compression: Compression) -> None:
    config = _config(kafka, compression=compression)
    values = [b"x" * 5_000, b"y", random.Random(1).randbytes(150_000), bytes(150_000)]
    async with _sink(config) as sink:
        assert await sink.write(_batch(*values)) is Settled.DIRECT
    assert await _read(config) == values


async def test_batches_above_batch_bytes_go_whole_as_long_as_the_topic_takes_them(
    kafka: Broker,
) -> None:
    config = _config(kafka, batch_bytes=1_024, compression=Compression.NONE)
    values = [bytes([n]) * 10_000 for n in range(50)]
    async with _sink(config) as sink:
        assert await sink.write(_batch(*values)) is Settled.DIRECT
    assert await _read(config) == values


async def test_batches_of_any_allowed_size_fit_the_topic_we_create(kafka: Broker) -> None:
    config = _config(kafka, batch_bytes=4 << 20, compression=Compression.NONE)
    async with _sink(config) as sink:
        assert await sink.write(_batch(*[b"v" * 100_000] * 40)) is Settled.DIRECT


async def test_a_record_that_is_too_large_is_refused_and_others_go_on(kafka: Broker) -> None:
    config = _config(kafka, compression=Compression.NONE)
    async with _sink(config) as sink:
        large = sink.write(_batch(b"x" * 2_000_000))
        results = await asyncio.gather(
            large, sink.write(_batch(b"neighbour", partition=1)), return_exceptions=True
        )
        assert isinstance(results[0], RecordRefused)
        assert results[1] is Settled.DIRECT
        # The refused batch left a gap in its partition's sequence: no batch may fail by that.
        async with asyncio.timeout(20):
            while await _written(sink, _batch(b"after")) is None:
                await asyncio.sleep(0.01)
        assert await sink.write(_batch(b"later")) is Settled.DIRECT
    assert sorted(await _read(config)) == [b"after", b"later", b"neighbour"]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("error", "raised", "usable"),
    [
        (ValueError("of aiokafka's"), ValueError, False),
        (ProducerFenced(), SinkError, False),
        (OutOfOrderSequenceNumber(), SinkError, True),  # the other partition goes on
    ],
)
async def test_an_error_of_the_producer_has_a_new_one_made(
    kafka: Broker,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    raised: type[Exception],
    usable: bool,
    known: bool,
) -> None:
    monkeypatch.setattr(kafka_shortcut, "KNOWN", known)
    async with _sink(_config(kafka)) as sink:
        link = sink._link
        assert link is not None
        assert await sink.write(_batch(b"before")) is Settled.DIRECT

        async def failing(*_: object, **__: object) -> None:
            raise error

        def failed(*_: object) -> asyncio.Future[None]:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(error)
            return future

        monkeypatch.setattr(link._producer, "send_batch", failing)
        monkeypatch.setattr(link._shortcut, "send", failed)
        with pytest.raises(raised):
            await sink.write(_batch(b"during"))
        assert link.lost.is_set()
        assert link.usable is usable
        await until_async(lambda: sink.ready and sink._link is not link)
        assert await sink.write(_batch(b"after")) is Settled.DIRECT


async def test_a_batch_that_cannot_be_built_costs_no_link(kafka: Broker) -> None:
    async with _sink(_config(kafka)) as sink:
        link = sink._link
        with pytest.raises((AttributeError, TypeError)):
            await sink.write(_batch("no bytes"))  # type: ignore[arg-type]
        assert sink._link is link
        assert await sink.write(_batch(b"after")) is Settled.DIRECT


async def test_a_record_with_a_timestamp_that_kafka_does_not_take_is_refused(kafka: Broker) -> None:
    config = _config(kafka)
    async with _sink(config) as sink:
        in_a_week = int(time.time() * 1000) + 7 * 86_400_000
        with pytest.raises(RecordRefused):
            await sink.write(_batch(b"x", timestamp=in_a_week))


async def test_the_topics_number_of_partitions_counts(kafka: Broker) -> None:
    config = _config(kafka, partitions=2)
    await _make_topic(config, partitions=5)
    async with _sink(config) as sink:
        assert sink.partitions == 5
        assert await sink.write(_batch(b"x", partition=4)) is Settled.DIRECT
        with pytest.raises(SinkUnavailable):
            await sink.write(_batch(b"x", partition=5))


async def test_start_returns_at_once_when_kafka_is_away_and_it_connects_later(
    own_broker: Broker,
) -> None:
    broker = own_broker
    broker.kill()
    config = _config(broker)
    async with _sink(config, wait=False) as sink:
        await until_async(lambda: "refused" in str(sink.trouble))
        assert not sink.ready
        assert sink.partitions == config.partitions
        with pytest.raises(SinkUnavailable):
            await sink.write(_batch(b"early"))
        broker.start_soon()
        await until_async(lambda: sink.ready, timeout=60)
        assert sink.trouble is None
        assert await sink.write(_batch(b"late")) is Settled.DIRECT
    assert await _read(config) == [b"late"]


async def test_a_stopped_broker_times_out_within_the_deadline_and_is_used_again_afterwards(
    own_broker: Broker,
) -> None:
    broker = own_broker
    config = _config(broker)
    async with _sink(config, timeout=0.5) as sink:
        assert await sink.write(_batch(b"before")) is Settled.DIRECT
        broker.pause()
        began = time.monotonic()
        results = await asyncio.gather(
            *(sink.write(_batch(b"during %d" % n, partition=n % 2)) for n in range(10)),
            return_exceptions=True,
        )
        assert time.monotonic() - began < 5  # one deadline, not one a batch
        assert all(isinstance(result, SinkTimeout | SinkUnavailable) for result in results)
        assert any(isinstance(result, SinkTimeout) for result in results)
        assert not sink.ready
        with pytest.raises(SinkUnavailable):  # at once: the next does not wait for a deadline
            await sink.write(_batch(b"next"))
        broker.resume()
        await until_async(lambda: sink.ready)
        assert await sink.write(_batch(b"after")) is Settled.DIRECT
    found = await _read(config)
    assert {b"before", b"after"} <= set(found)
    refused = {b"during %d" % n for n, r in enumerate(results) if isinstance(r, SinkUnavailable)}
    assert not refused & set(found)  # unavailable means certainly not stored
    assert len(found) == len(set(found))


async def test_nothing_acknowledged_is_lost_when_the_broker_is_killed(
    own_broker: Broker,
) -> None:
    broker = own_broker
    config = _config(broker)
    acknowledged: set[bytes] = set()
    sent: set[bytes] = set()
    stop = asyncio.Event()

    async def write_on(sink: KafkaSink, worker: int) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            value = b"%d-%d" % (worker, number)
            sent.add(value)
            try:
                await sink.write(_batch(value, partition=worker % 2))
            except SinkError:
                await asyncio.sleep(0.01)
            else:
                acknowledged.add(value)

    async with _sink(config, timeout=1.0) as sink:
        workers = [asyncio.create_task(write_on(sink, number)) for number in range(8)]
        for _ in range(2):
            enough = len(acknowledged) + 500
            await until_async(lambda enough=enough: len(acknowledged) > enough, timeout=60)
            broker.kill()
            await until_async(lambda: not sink.ready)
            broker.start_soon()
        enough = len(acknowledged) + 500
        await until_async(lambda: len(acknowledged) > enough, timeout=60)
        stop.set()
        await asyncio.gather(*workers)
    found = await _read(config)
    assert acknowledged <= set(found)
    assert set(found) <= sent


async def test_refused_authentication_is_said_in_plain_words(kafka: Broker) -> None:
    config = _sasl(kafka, SaslMechanism.PLAIN, "wrong-password")
    async with _sink(config, wait=False) as sink:
        await until_async(lambda: "authentication refused" in str(sink.trouble))
        assert "wrong-password" not in str(sink.trouble)
        assert not sink.ready


async def test_plain_text_to_a_listener_with_authentication_is_said_in_plain_words(
    kafka: Broker,
) -> None:
    config = _config(kafka, bootstrap_servers=(kafka.sasl,))
    async with _sink(config, wait=False) as sink:
        await until_async(lambda: "security_protocol" in str(sink.trouble))


@pytest.mark.parametrize("mechanism", [SaslMechanism.PLAIN, SaslMechanism.SCRAM_SHA_256])
async def test_authenticates(kafka: Broker, mechanism: SaslMechanism) -> None:
    async with _sink(_sasl(kafka, mechanism, PASSWORD)) as sink:
        assert await sink.write(_batch(b"x")) is Settled.DIRECT


async def test_closing_is_bounded_while_the_broker_is_stopped(
    own_broker: Broker,
) -> None:
    broker = own_broker
    async with _sink(_config(broker), timeout=60) as sink:
        broker.pause()
        writing = asyncio.create_task(sink.write(_batch(b"x")))
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await sink.close()
        writing.cancel()
        with pytest.raises((asyncio.CancelledError, SinkError)):
            await writing


async def test_the_log_names_changes_of_state_once(
    own_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    broker = own_broker
    with caplog.at_level("INFO", "ingest.log.kafka"):
        async with _sink(_config(broker), timeout=0.5) as sink:
            broker.kill()
            with pytest.raises(SinkError):
                await sink.write(_batch(b"x"))
            await until_async(lambda: "refused" in str(sink.trouble))
            broker.start()
            await until_async(lambda: sink.ready)
    lines = [line for line in caplog.records if line.name.startswith("ingest")]
    events = [line.message for line in lines if line.message != "kafka topic"]
    assert events[0] == events[-1] == "kafka connected"
    assert 1 <= events.count("kafka away") <= 6
    said = [(line.message, str(getattr(line, "fields", ""))) for line in lines]
    assert not any(one == other for one, other in itertools.pairwise(said))


def _sasl(broker: Broker, mechanism: SaslMechanism, password: str) -> Kafka:
    return _config(
        broker,
        bootstrap_servers=(broker.sasl,),
        security_protocol=SecurityProtocol.SASL_PLAINTEXT,
        sasl_mechanism=mechanism,
        sasl_username=USER,
        sasl_password=password,
    )


async def _make_topic(config: Kafka, partitions: int, name: str = "") -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=list(config.bootstrap_servers))
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name or config.topic("events"), partitions, 1)])
    finally:
        await admin.close()


async def test_a_sending_task_that_died_is_replaced(kafka: Broker) -> None:
    config = _config(kafka)
    async with _sink(config) as sink:
        dead = sink._link
        assert dead is not None
        dead._producer._sender.sender_task.cancel()
        await until_async(lambda: sink._link not in (None, dead))
        assert await sink.write(_batch(b"x")) is Settled.DIRECT
    assert await _read(config) == [b"x"]


async def test_a_topic_that_is_deleted_is_made_anew_also_where_metadata_say_so_first(
    kafka: Broker,
) -> None:
    config = _config(kafka)
    async with _sink(config) as sink:
        assert await sink.write(_batch(b"before")) is Settled.DIRECT
        await _delete_topic(config)
        link = sink._link
        assert link is not None
        while link.partitions:  # as it comes to be by itself every minute
            await link._producer.client.force_metadata_update()
        async with asyncio.timeout(20):
            while await _written(sink, _batch(b"after")) is None:
                await asyncio.sleep(0.01)
    assert await _read(config) == [b"after"]


async def _delete_topic(config: Kafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=list(config.bootstrap_servers))
    await admin.start()
    try:
        await admin.delete_topics([config.topic("events")])
    finally:
        await admin.close()
