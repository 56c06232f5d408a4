"""The short cut through aiokafka: the same bytes, the same rules, and what is odd left to it."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiokafka
import pytest
from aiokafka.producer import message_accumulator, sender
from aiokafka.protocol.produce import ProduceRequest, ProduceRequest_v7, ProduceResponse_v7
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.kafka import values
from ingest.config import Delivery, Kafka
from ingest.log import kafka_shortcut
from ingest.log.batch import Batch, Record, Settled
from ingest.log.kafka import KafkaSink
from ingest.log.kafka_shortcut import FullBuilder, Layout
from ingest.log.sink import SinkError
from tests.support.kafka import Broker
from tests.support.wait import until_async

_PARTITIONS = 3
_ids = itertools.count(1)
_names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
_int16 = st.integers(-(2**15), 2**15 - 1)
_int32 = st.integers(0, 2**31 - 1)
_int64 = st.integers(-(2**63), 2**63 - 1)
_parts = st.lists(st.tuples(_int32, st.binary(max_size=50)), min_size=1, max_size=5)


def test_this_is_an_aiokafka_whose_inside_we_know() -> None:
    """When it fails: look whether what `kafka_shortcut` does still is what aiokafka does in
    `MessageAccumulator`, `Sender` and `AIOKafkaConnection.send`, and say so in `KNOWN` and here.

    Until then all batches go by aiokafka itself, which costs CPU time and nothing else.
    """
    assert kafka_shortcut.KNOWN, f"aiokafka {aiokafka.__version__} is new to kafka_shortcut.py"
    assert ProduceRequest._CLASSES[-1] is ProduceRequest_v7
    assert hasattr(sender.SendProduceReqHandler, "_can_retry")
    assert hasattr(message_accumulator.MessageAccumulator, "_pop_batch")


@given(_names, _names, _int16, _int32, _int32, _parts)
def test_a_request_is_laid_out_as_aiokafka_does_it(
    topic: str, client: str, acks: int, timeout: int, number: int, parts: list[tuple[int, bytes]]
) -> None:
    asked = ProduceRequest(None, acks, timeout, [(topic, parts)]).prepare({0: (0, 7)})
    expected = asked.build_request_header(number, client).encode() + asked.encode()
    made = b"".join(Layout(topic, client, acks, timeout).request(number, parts))
    assert made == len(expected).to_bytes(4) + expected


_answered = st.tuples(_int32, st.sampled_from([0, 0, 0, 6, 46]), _int64, _int64, _int64)


@given(
    st.lists(st.tuples(_names, st.lists(_answered, max_size=4)), max_size=2),
    st.sets(_int32, max_size=2),
    _int32,
)
def test_an_answer_is_read_as_aiokafka_does_it_or_left_to_it(
    topics: list[tuple[str, list[tuple[int, ...]]]], more: set[int], throttled: int
) -> None:
    answer = ProduceResponse_v7(topics, throttled).encode()
    topic, found = topics[0] if topics else ("other", [])
    numbers = {each[0] for each in found}
    layout = Layout(topic, "client", -1, 1)
    well = len(topics) == 1 and not any(each[1] for each in found) and len(numbers) == len(found)
    assert layout.stored(answer, numbers) == (found if well else None)
    assert layout.stored(answer, numbers | more) == (found if well and more <= numbers else None)
    assert layout.stored(answer[:-1], numbers) is None
    assert layout.stored(answer + b"\0", numbers) is None
    assert Layout(topic + "x", "client", -1, 1).stored(answer, numbers) is None


@given(st.binary(max_size=100), st.sets(_int32, max_size=3))
def test_any_bytes_are_no_answer(answer: bytes, partitions: set[int]) -> None:
    assert Layout("topic", "client", -1, 1).stored(answer, partitions) is None


def _batch(value: bytes, partition: int = 0) -> Batch:
    made = Batch(next(_ids).to_bytes(16), partition, 0.0)
    made.add(Record(b"site", value, int(time.time() * 1000)), lambda _: None)
    return made


class _Rig:
    """A sink that has sent to each partition, so that nothing stands in the way of more."""

    def __init__(self, sink: KafkaSink, config: Kafka) -> None:
        assert sink._link is not None
        self.sink, self.config, self.link = sink, config, sink._link
        self.requests = 0
        self.turns = 0

    async def write(self, *names: bytes) -> list[Settled | BaseException]:
        """One batch a name, each to the next partition."""
        made = [_batch(name, number % _PARTITIONS) for number, name in enumerate(names)]
        return await asyncio.gather(*map(self.sink.write, made), return_exceptions=True)

    @property
    def connection(self) -> Any:
        client = self.link._producer.client
        return self.link._shortcut._connection(next(iter(client.cluster.brokers())).nodeId)

    async def stored(self) -> list[bytes]:
        topic = self.config.topic("events")
        return sorted(await values(self.config.bootstrap_servers[0], topic))

    def count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count requests that we send, and turns of aiokafka's sending task."""
        accumulator = self.link._producer._message_accumulator
        request, turn = self.link._shortcut._request, accumulator.drain_by_nodes

        def counted_request(*arguments: Any) -> None:
            self.requests += 1
            request(*arguments)

        def counted_turn(*arguments: Any, **options: Any) -> Any:
            self.turns += 1
            return turn(*arguments, **options)

        monkeypatch.setattr(self.link._shortcut, "_request", counted_request)
        monkeypatch.setattr(accumulator, "drain_by_nodes", counted_turn)


@asynccontextmanager
async def _rig(broker: Broker, timeout: float = 5.0) -> AsyncIterator[_Rig]:
    prefix = broker.topic_prefix()
    config = Kafka(
        bootstrap_servers=(broker.bootstrap,), topic_prefix=prefix, partitions=_PARTITIONS
    )
    sink = KafkaSink(config, Delivery(timeout=timeout))
    await sink.start()
    try:
        await until_async(lambda: sink.ready, what="the sink to connect")
        rig = _Rig(sink, config)
        # A new topic's leaders may refuse the first; the connection for sending is there then, too.
        assert await rig.write(b"a", b"b", b"c") == 3 * [Settled.DIRECT]
        assert rig.connection is not None
        yield rig
    finally:
        await sink.close()


@pytest.mark.kafka
async def test_what_comes_together_leaves_in_one_request_past_the_sending_task(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _rig(kafka) as rig:
        rig.count(monkeypatch)
        for _ in range(5):
            assert await rig.write(b"d", b"e", b"f") == 3 * [Settled.DIRECT]
        assert (rig.requests, rig.turns) == (5, 0)
        sender = rig.link._producer._sender
        assert not sender._in_flight
        assert not sender._muted_partitions
        assert await rig.stored() == sorted([b"a", b"b", b"c", *5 * [b"d", b"e", b"f"]])


@pytest.mark.kafka
async def test_what_comes_while_a_request_is_under_way_goes_after_it(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _rig(kafka) as rig:
        rig.count(monkeypatch)
        first = asyncio.create_task(rig.sink.write(_batch(b"first")))
        await until_async(lambda: rig.requests)
        assert await rig.write(b"0", b"1", b"2", b"3", b"4", b"5") == 6 * [Settled.DIRECT]
        assert await first is Settled.DIRECT
        assert len(await rig.stored()) == 3 + 7


def _never_known(_rig: _Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_shortcut, "KNOWN", False)


def _older_broker(rig: _Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rig.connection._versions, 0, (0, 6))


def _no_connection(rig: _Rig, _monkeypatch: pytest.MonkeyPatch) -> None:
    rig.connection.close()


def _answer_not_read(_rig: _Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Layout, "stored", lambda *_: None)


def _once(rig: _Rig, monkeypatch: pytest.MonkeyPatch, instead: Callable[[Any, Any], Any]) -> None:
    """Have `instead` decode the next answer."""
    decode = kafka_shortcut._Asked.decode

    def first(asked: Any, answer: Any) -> Any:
        monkeypatch.setattr(kafka_shortcut._Asked, "decode", decode)
        return instead(asked, answer)

    monkeypatch.setattr(kafka_shortcut._Asked, "decode", first)


def _one_answer_says_try_again(rig: _Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = rig.config.topic("events")
    found = [(0, 0, 1, -1, 0), (1, 6, -1, -1, -1), (2, 0, 1, -1, 0)]
    _once(rig, monkeypatch, lambda *_: ProduceResponse_v7([(topic, found)], 0))


def _one_answer_is_nonsense(rig: _Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("nonsense")

    _once(rig, monkeypatch, fail)


def _one_answer_is_another_requests(rig: _Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    number = rig.connection._next_correlation_id
    monkeypatch.setattr(rig.connection, "_next_correlation_id", lambda: number() + 7)
    head = kafka_shortcut._Asked.parse_response_header

    def first(asked: Any, answer: Any) -> Any:
        monkeypatch.setattr(kafka_shortcut._Asked, "parse_response_header", head)
        found = head(asked, answer)
        found.correlation_id += 1
        return found

    monkeypatch.setattr(kafka_shortcut._Asked, "parse_response_header", first)


def _the_connection_breaks(rig: _Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, write = rig.connection, rig.connection._writer.writelines

    def broken(pieces: list[bytes]) -> None:
        write(pieces)
        raise BrokenPipeError

    monkeypatch.setattr(connection._writer, "writelines", broken)


@pytest.mark.kafka
@pytest.mark.parametrize(
    "odd",
    [
        _never_known,
        _older_broker,
        _no_connection,
        _answer_not_read,
        _one_answer_says_try_again,
        _one_answer_is_nonsense,
        _one_answer_is_another_requests,
        _the_connection_breaks,
    ],
)
async def test_what_is_odd_is_left_to_aiokafka_and_arrives_once(
    kafka: Broker,
    monkeypatch: pytest.MonkeyPatch,
    odd: Callable[[_Rig, pytest.MonkeyPatch], None],
) -> None:
    async with _rig(kafka) as rig:
        odd(rig, monkeypatch)
        for _ in range(2):
            assert await rig.write(b"d", b"e", b"f", b"g") == 4 * [Settled.DIRECT]
        assert await rig.stored() == sorted([b"a", b"b", b"c", *2 * [b"d", b"e", b"f", b"g"]])
        assert rig.sink._link is rig.link


@pytest.mark.kafka
async def test_another_aiokafka_is_given_its_own_builder(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = _batch(b"d").records + _batch(b"e").records
    async with _rig(kafka) as rig:
        assert isinstance(rig.link._build(records), FullBuilder)
        monkeypatch.setattr(kafka_shortcut, "KNOWN", False)
        builder = rig.link._build(records)
        assert type(builder) is message_accumulator.BatchBuilder
        assert (builder.record_count(), builder.closed()) == (2, True)
        await rig.link.send(0, records)
        assert await rig.stored() == [b"a", b"b", b"c", b"d", b"e"]


@pytest.mark.kafka
async def test_a_request_without_an_answer_is_sent_again_and_arrives_once(
    own_broker: Broker,
) -> None:
    async with _rig(own_broker, timeout=30) as rig:
        before = rig.connection
        before._request_timeout = 0.2
        own_broker.pause()
        writing = asyncio.create_task(rig.write(b"d", b"e", b"f"))
        await until_async(lambda: not before.connected())
        own_broker.resume()
        assert await writing == 3 * [Settled.DIRECT]
        assert await rig.stored() == [b"a", b"b", b"c", b"d", b"e", b"f"]


@pytest.mark.kafka
async def test_records_that_cannot_be_compressed_cost_the_link_and_are_told(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise ValueError("in the builder")

    async with _rig(kafka) as rig:
        with monkeypatch.context() as patched:
            patched.setattr(message_accumulator.MessageBatch, "get_data_buffer", fail)
            told = await rig.write(b"d", b"e", b"f")
        assert [str(error) for error in told] == 3 * ["in the builder"]
        assert rig.link.lost.is_set()
        await until_async(lambda: rig.sink.ready and rig.sink._link is not rig.link)
        assert await rig.write(b"g") == [Settled.DIRECT]
        assert await rig.stored() == [b"a", b"b", b"c", b"g"]


@pytest.mark.kafka
async def test_closing_tells_what_is_under_way_at_once(own_broker: Broker) -> None:
    async with _rig(own_broker, timeout=60) as rig:
        own_broker.pause()
        writing = asyncio.create_task(rig.write(b"d", b"e", b"f"))
        await until_async(lambda: rig.link._producer._sender._in_flight)
        async with asyncio.timeout(10):
            await rig.sink.close()
            told = await writing
        assert all(isinstance(error, SinkError) for error in told)


@pytest.mark.kafka
async def test_one_who_waits_no_longer_takes_nothing_back(kafka: Broker) -> None:
    async with _rig(kafka) as rig:
        writing = asyncio.create_task(rig.write(b"d"))
        async with asyncio.timeout(20):
            while not rig.link._producer._sender._in_flight:
                await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait((writing,))
        assert writing.cancelled()
        assert await rig.write(b"e") == [Settled.DIRECT]
        assert await rig.stored() == [b"a", b"b", b"c", b"d", b"e"]
