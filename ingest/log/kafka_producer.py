"""One producer's life: whole batches to one topic, until something goes wrong with it.

It is idempotent: what aiokafka sends again by itself arrives once. The price is that a batch which
is not confirmed leaves a gap in its partition's sequence, which only a new producer gets over; so a
link is not mended but replaced, and `lost` says when.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, OutOfOrderSequenceNumber

from ingest.config import Compression, Kafka
from ingest.log import kafka_shortcut
from ingest.log.batch import Record
from ingest.log.kafka_client import REQUEST_TIMEOUT, client_options, translate
from ingest.log.kafka_shortcut import FullBuilder, Shortcut
from ingest.log.record_batch import BatchWriter, Header
from ingest.log.sink import RecordRefused, SinkError, SinkTimeout, SinkUnavailable

_UNBOUNDED = 1 << 30
"""Bytes of a builder: the size of a batch is decided where it is filled, not here."""
_METADATA_AGE = 60.0
"""Seconds after which the topic's partitions and their leaders are asked for again."""
_ABORT_STEP = 0.05
_ABORT_STEPS = 40


class KafkaLink:
    """A producer that is connected. Make it with `open`."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        headers: Sequence[Header],
        compression: Compression,
        deadline: float,
    ) -> None:
        self.lost = asyncio.Event()
        """Set once: a new link is needed."""
        self.reason: SinkError | None = None
        """Why, once it is lost."""
        self.usable = True
        """Whether batches may still be given to it; after a refused record they may."""
        self.proven = False
        """Whether a batch was acknowledged."""
        self.going = True
        """Whether one was since it was lost: then some partitions still work."""
        self._producer = producer
        self._topic = topic
        self._headers = list(headers)
        self._writer = BatchWriter(headers, compression)
        self._deadline = deadline
        self._shortcut = Shortcut(producer, topic)
        self._gaps: set[int] = set()
        # One batch a partition waits in aiokafka, the others here: where several wait there, its
        # wait for room takes the time gone by off its deadline again and again, and fires early.
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._sending = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    async def open(
        cls, config: Kafka, topic: str, headers: Sequence[Header], deadline: float
    ) -> Self:
        """Connect to a topic that exists; `deadline` is for each batch. Raises `SinkError`."""
        compression = None if config.compression is Compression.NONE else config.compression.value
        producer = AIOKafkaProducer(
            **client_options(config),
            acks="all",
            enable_idempotence=True,
            compression_type=compression,
            linger_ms=0,
            max_batch_size=_UNBOUNDED,
            max_request_size=_UNBOUNDED,
            metadata_max_age_ms=int(_METADATA_AGE * 1000),
            request_timeout_ms=int(max(deadline, REQUEST_TIMEOUT) * 1000),
            retry_backoff_ms=50,
        )
        try:
            async with asyncio.timeout(2 * REQUEST_TIMEOUT):
                await producer.start()
                await producer.partitions_for(topic)
        except (KafkaError, OSError) as error:
            await _abort(producer)
            raise translate(error) from None
        except BaseException:
            await _abort(producer)
            raise
        return cls(producer, topic, headers, config.compression, deadline)

    @property
    def partitions(self) -> int:
        """How many the topic has, as far as is known."""
        known: set[int] | None = self._producer.client.cluster.partitions_for_topic(self._topic)
        return len(known or ())

    @property
    def alive(self) -> bool:
        """Whether aiokafka's sending task runs: it can die for good."""
        task = self._producer._sender.sender_task
        return task is not None and not task.done()

    async def send(self, partition: int, records: Sequence[Record]) -> None:
        """Return once all of them are acknowledged. Raises `SinkError`, in time."""
        if partition >= self.partitions:  # deleted, or made anew with fewer: never here again
            gone = SinkUnavailable(f"topic {self._topic} has no partition {partition} any more")
            self._lose(gone, usable=self.partitions > 0)
            raise gone
        if partition in self._gaps:
            raise SinkUnavailable("being connected anew")
        self._sending += 1
        self._idle.clear()
        try:
            await self._send(partition, records)
            self.proven = self.going = True
        finally:
            self._sending -= 1
            if not self._sending:
                self._idle.set()

    async def close(self, linger: float = 0.0) -> None:
        """Give batches under way `linger` seconds, then let go. Bounded, broker there or not."""
        try:
            async with asyncio.timeout(linger):
                await self._idle.wait()
        except TimeoutError:
            pass
        finally:
            self._shortcut.close()
            await _abort(self._producer)

    def give_up(self) -> None:
        """Have `close`, called or not, wait for no batch."""
        self._idle.set()

    async def _send(self, partition: int, records: Sequence[Record]) -> None:
        built = handed_over = False
        try:
            if self._turns[partition].locked() or not self._shortcut.is_free(partition):
                async with asyncio.timeout(self._deadline):
                    async with self._turns[partition]:
                        builder = self._build(records)  # not before: it is a copy of all of them
                        built = True
                        acknowledged = await self._producer.send_batch(
                            builder, self._topic, partition=partition
                        )
                        handed_over = True
                    await acknowledged
            else:
                builder = self._build(records)
                built = handed_over = True
                await self._told(self._shortcut.send(partition, builder))
        except TimeoutError:
            error = SinkTimeout("no acknowledgement within delivery.timeout")
            self._gap(partition, error)
            # What aiokafka never had is certain not to be stored.
            raise error if handed_over else SinkUnavailable("Kafka is slow") from None
        except (KafkaError, OSError, AssertionError) as error:
            self._failed(partition, error)
            ours = translate(error)
            if handed_over and isinstance(error, KafkaConnectionError | OSError):
                ours = SinkError(str(ours))  # the request may have gone out: unknown
            raise ours from None
        except Exception as error:  # a mistake may have left anything behind
            if built:  # else it is the batch's, and no fault of the link
                self._failed(partition, error)
            raise

    async def _told(self, acknowledged: asyncio.Future[Any]) -> None:
        """Wait for it as long as the deadline is; it is aiokafka's, and never cancelled.

        By hand: `asyncio.timeout` and `asyncio.shield` cost some 4 µs a batch more.
        """
        loop = asyncio.get_running_loop()
        told = loop.create_future()
        late = loop.call_later(self._deadline, _settle, told, TimeoutError)
        acknowledged.add_done_callback(partial(_tell, told))
        try:
            await told
        finally:
            late.cancel()

    def _build(self, records: Sequence[Record]) -> Any:
        if kafka_shortcut.KNOWN:
            return FullBuilder(self._writer.write(records))
        builder = self._producer.create_batch()
        for record in records:
            builder.append(
                timestamp=record.timestamp,
                key=record.key,
                value=record.value,
                headers=self._headers,
            )
        builder.close()
        return builder

    def _failed(self, partition: int, error: BaseException) -> None:
        ours = translate(error)
        if isinstance(ours, RecordRefused) or isinstance(error, OutOfOrderSequenceNumber):
            self._gap(partition, ours)
        else:
            self._lose(ours, usable=False)

    def _gap(self, partition: int, reason: SinkError) -> None:
        """The other partitions go on until the new link is there."""
        self._gaps.add(partition)
        self._lose(reason, usable=len(self._gaps) < self.partitions)

    def _lose(self, reason: SinkError, *, usable: bool = True) -> None:
        self.usable = self.usable and usable
        self.reason = self.reason or reason
        self.going = False
        self.lost.set()


def _tell(told: asyncio.Future[None], acknowledged: asyncio.Future[Any]) -> None:
    _settle(told, acknowledged.exception())


def _settle(told: asyncio.Future[None], error: BaseException | type[BaseException] | None) -> None:
    if not told.done():
        if error is None:
            told.set_result(None)
        else:
            told.set_exception(error)


async def _abort(producer: AIOKafkaProducer) -> None:
    """Stop a producer without a flush, which with a broker away would never end.

    aiokafka has no public way: its `stop` flushes, and cancelling that leaves a task behind which
    goes on trying for ever, and would deliver what was given up long ago.
    """
    producer._closed = True
    sender = producer._sender.sender_task
    if sender is not None:
        sender.cancel()
        await producer.client.close()  # requests under way fail, so that their tasks end
        for _ in range(_ABORT_STEPS):
            waiting = producer.client._md_update_fut
            if waiting is not None and not waiting.done():
                waiting.set_result(False)  # nobody is left who would
            done, _ = await asyncio.wait([sender], timeout=_ABORT_STEP)
            if done:
                break
    await producer.client.close()
