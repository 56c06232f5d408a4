"""A short cut through aiokafka for a batch that nothing stands in the way of.

aiokafka sends a batch by a turn of its sending task, a task for the request and two schemas in
Python. Here batches that come in one step of the loop leave in one request, laid out by `struct`,
and an answer that all of them are stored is read the same way.

What aiokafka knows stays where it was, and rules: sequence numbers, leaders, connections, what is
under way and what waits. Whatever is not certain at a glance is left to it: no connection yet, no
leader, another version of the request, any error, any retry. This is the one module that rests on
how aiokafka is made inside; with another aiokafka than it was written for it takes no short cut.
"""

import asyncio
import struct
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from typing import Any

import aiokafka
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import ConnectionGroup
from aiokafka.conn import CloseReason
from aiokafka.errors import KafkaConnectionError, RequestTimedOutError
from aiokafka.producer.message_accumulator import MessageBatch
from aiokafka.producer.sender import SendProduceReqHandler
from aiokafka.protocol.produce import ProduceRequest_v7

from ingest.log.record_batch import RecordBatch

KNOWN = aiokafka.__version__.startswith("0.14.")
"""Whether this is an aiokafka whose inside we know; `tests/log/test_kafka_shortcut.py` looks."""
_REQUEST = ProduceRequest_v7
"""The newest that aiokafka sends: brokers take it since Kafka 2.1."""
_HEAD = struct.Struct(">ihhi")
_PART = struct.Struct(">ii")
_COUNT = struct.Struct(">i")
_STORED = struct.Struct(">ihqqq")
_NO_TRANSACTION = -1

Batches = Mapping[TopicPartition, Any]
"""One of aiokafka's `MessageBatch` a partition."""


class FullBuilder:
    """What aiokafka asks of a `BatchBuilder` that takes no more, of records laid out already."""

    __slots__ = ("_batch", "_whole")

    def __init__(self, batch: RecordBatch) -> None:
        self._batch = batch
        self._whole: bytearray | None = None

    def record_count(self) -> int:
        """How far the partition's sequence goes on."""
        return self._batch.count

    def closed(self) -> bool:
        """Whether it takes no more."""
        return True

    def close(self) -> None:
        """It is closed."""

    def _set_producer_state(self, producer_id: int, producer_epoch: int, sequence: int) -> None:
        """Called once, before the first try: what is sent again has the same sequence."""
        self._whole = self._batch.sealed(producer_id, producer_epoch, sequence)

    def _build(self) -> bytearray:
        if self._whole is None:
            raise RuntimeError("without its producer a batch might be stored twice")
        return self._whole


class Layout:
    """How requests for one topic look, and the answers that say that all is well."""

    def __init__(self, topic: str, client_id: str, acks: int, timeout: int) -> None:
        """`timeout`: milliseconds that the broker has."""
        named = _COUNT.pack(1) + _text(topic)
        options = struct.pack(">hhi", _NO_TRANSACTION, acks, timeout)
        self._after_head = _text(client_id) + options + named
        self._named = named

    def request(self, correlation: int, parts: list[tuple[int, bytes]]) -> list[bytes]:
        """Return its pieces, for one write: each partition with its records, laid out already."""
        head = self._after_head + _COUNT.pack(len(parts))
        pieces: list[bytes] = []
        for partition, records in parts:
            pieces += (head + _PART.pack(partition, len(records)), records)
            head = b""
        size = sum(map(len, pieces)) + _HEAD.size - _COUNT.size
        pieces[0] = (
            _HEAD.pack(size, _REQUEST.API_KEY, _REQUEST.API_VERSION, correlation) + pieces[0]
        )
        return pieces

    def stored(self, answer: bytes, partitions: set[int]) -> list[tuple[int, ...]] | None:
        """Read that these partitions stored all; None for any other answer.

        Each: partition, no error, first offset, timestamp, start of the partition.
        """
        start = len(self._named) + _COUNT.size
        end = start + len(partitions) * _STORED.size
        if len(answer) != end + _COUNT.size:  # then there is the time for which we are throttled
            return None
        if answer[:start] != self._named + _COUNT.pack(len(partitions)):
            return None
        found = list(_STORED.iter_unpack(answer[start:end]))
        well = {each[0] for each in found} == partitions and not any(each[1] for each in found)
        return found if well else None


class _Asked:
    """A request under way, as aiokafka's connection wants to know it to read the answer."""

    __slots__ = ("_layout", "_partitions", "correlation_id")

    def __init__(self, layout: Layout, batches: Batches) -> None:
        self._layout = layout
        self._partitions = {place.partition for place in batches}
        self.correlation_id = 0

    @property
    def RESPONSE_TYPE(self) -> "_Asked":  # noqa: N802  (aiokafka's name)
        """What decodes the answer."""
        return self

    def parse_response_header(self, answer: BytesIO) -> "_Asked":
        """Read which request it answers."""
        (self.correlation_id,) = _COUNT.unpack(answer.read(_COUNT.size))
        return self

    def decode(self, answer: BytesIO) -> Any:
        """Return a list when all is well, else what aiokafka makes of it."""
        rest = answer.read()
        found = self._layout.stored(rest, self._partitions)
        return _REQUEST.RESPONSE_TYPE.decode(rest) if found is None else found


class _Outcome:
    """aiokafka's client, except that the request was sent already."""

    def __init__(self, client: Any, answer: asyncio.Future[Any]) -> None:
        self._client = client
        self._answer = answer

    async def send(self, _node: int, _request: object) -> Any:
        """Return the answer, or raise what became of it."""
        return self._answer.result()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class Shortcut:
    """Of one producer, to one topic. On the event loop only."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        """`producer` is started, and sends to nothing else."""
        self._loop = asyncio.get_running_loop()
        self._topic = topic
        self._client = producer.client
        self._sender = producer._sender
        self._accumulator = producer._message_accumulator
        self._layout = Layout(
            topic,
            self._client._client_id,
            self._sender._acks,
            self._sender._request_timeout_ms,
        )
        self._places: dict[int, TopicPartition] = {}
        self._tasks: dict[asyncio.Task[None], Batches] = {}
        self._due = self._closed = False

    def is_free(self, partition: int) -> bool:
        """Whether a batch may be given to `send` now; else it goes by `producer.send_batch`."""
        accumulator = self._accumulator
        return (
            KNOWN
            and not self._closed
            and not accumulator._closed
            and accumulator._exception is None
            and self._place(partition) not in accumulator._batches
        )

    def send(self, partition: int, builder: Any) -> asyncio.Future[Any]:
        """Send it with all that come in this step; the future is aiokafka's: do not cancel it."""
        place = self._place(partition)
        batch = MessageBatch(place, builder, self._accumulator._batch_ttl, 0)
        self._accumulator._batches[place].append(batch)
        if not self._due:
            self._due = True
            self._loop.call_soon(self._send_what_waits)
        future: asyncio.Future[Any] = batch.future
        return future

    def close(self) -> None:
        """Send nothing any more; for just before the producer is stopped."""
        self._closed = True
        for task, batches in self._tasks.items():
            task.cancel()  # which tells nobody anything
            self._fail(batches, KafkaConnectionError("closed"))

    def _place(self, partition: int) -> TopicPartition:
        place = self._places.get(partition)
        if place is None:
            place = self._places[partition] = TopicPartition(self._topic, partition)
        return place

    def _send_what_waits(self) -> None:
        """Do what aiokafka's sending task does in a turn, without waking it where that is enough.

        As there: one request to a broker at a time, one batch of a partition.
        """
        self._due = False
        sender, accumulator = self._sender, self._accumulator
        if self._closed or sender.sender_task.done():
            return
        going: dict[int, dict[TopicPartition, Any]] = {}
        unsure = False
        for place in list(accumulator._batches):
            if place in sender._muted_partitions:
                continue
            leader = self._client.cluster.leader_for_partition(place)
            if leader in sender._in_flight:
                continue
            if leader not in going and self._connection(leader) is None:
                unsure = True
            else:
                going.setdefault(leader, {})[place] = accumulator._pop_batch(place)
        for leader, batches in going.items():
            self._request(leader, batches)
        if unsure and not accumulator._waiter_future.done():
            accumulator._waiter_future.set_result(None)

    def _connection(self, leader: int | None) -> Any:
        """Return an open connection on which we may ask as we do, or None."""
        connection = self._client._conns.get((leader, ConnectionGroup.DEFAULT))
        if connection is None or not connection.connected():
            return None
        least, most = connection._versions.get(_REQUEST.API_KEY, (0, 0))
        return connection if least <= _REQUEST.API_VERSION <= most else None

    def _request(self, leader: int, batches: Batches) -> None:
        self._sender._in_flight.add(leader)
        self._sender._muted_partitions.update(batches)
        connection = self._connection(leader)
        answer = self._loop.create_future()
        timer = self._loop.call_later(connection._request_timeout, _late, connection, answer)
        answer.add_done_callback(partial(self._answered, leader, batches, timer))
        try:
            parts = [(place.partition, batch.get_data_buffer()) for place, batch in batches.items()]
            correlation = connection._next_correlation_id()
            pieces = self._layout.request(correlation, parts)
        except Exception as error:  # nothing was sent
            answer.set_exception(error)
            return
        connection._requests.append((correlation, _Asked(self._layout, batches), answer))
        try:
            connection._writer.writelines(pieces)
        except (
            OSError,
            RuntimeError,
        ) as error:  # the latter is uvloop's, of one that was just reset
            connection.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
            if not answer.done():
                answer.set_exception(KafkaConnectionError(str(error)))

    def _answered(
        self,
        leader: int,
        batches: Batches,
        timer: asyncio.TimerHandle,
        answer: asyncio.Future[Any],
    ) -> None:
        timer.cancel()
        error = answer.exception()
        found = answer.result() if error is None else None
        if isinstance(found, list):
            try:
                for partition, _, *where in found:
                    batches[self._place(partition)].done(*where)
            finally:
                self._free(leader, batches)
        elif self._closed:
            self._fail(batches, error or KafkaConnectionError("closed"))
            self._free(leader, batches)
        else:
            task = self._loop.create_task(self._by_the_book(leader, batches, answer))
            self._tasks[task] = batches
            task.add_done_callback(self._tasks.pop)

    async def _by_the_book(
        self, leader: int, batches: Batches, answer: asyncio.Future[Any]
    ) -> None:
        """Have aiokafka decide what is an error, what is tried again and when."""
        handler = SendProduceReqHandler(self._sender, batches)
        handler._client = _Outcome(self._client, answer)
        try:
            await handler.do(leader)
        except Exception as error:
            self._fail(batches, error)
        finally:
            self._free(leader, batches)

    def _fail(self, batches: Batches, error: BaseException) -> None:
        for batch in batches.values():
            batch.failure(error)

    def _free(self, leader: int, batches: Batches) -> None:
        self._sender._in_flight.discard(leader)
        self._sender._muted_partitions.difference_update(batches)
        if self._accumulator._batches:
            self._send_what_waits()


def _late(connection: Any, answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(RequestTimedOutError())
        connection.close(reason=CloseReason.CONNECTION_TIMEOUT)  # the next gets a new one


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack(">h", len(encoded)) + encoded
