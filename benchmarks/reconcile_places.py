"""Where the books of `benchmarks reconcile` look: a server's store, or its topic on Kafka.

Each is read once, from where it ended when the sending began, and only further on from there: on a
topic that holds days of others' events too, it costs what came meanwhile.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from ingest.config import Kafka
from ingest.log.kafka_client import admin_client, client_options, translate
from ingest.log.reader import Reader
from ingest.log.sink import SinkError
from ingest.log.topics import EVENTS
from ingest.stats.patience import answered, stopped

Take = Callable[[bytes | None], None]
"""Takes the value of one record; None for a record without one."""
_POLL_MS = 500
_ANSWER = 15.0
"""Seconds that Kafka may say nothing while there is something to come."""


class CannotLook(Exception):
    """There is nothing to look at, or it cannot be read; the message says what and why."""


class Place(Protocol):
    """Where events are found."""

    async def skip_to_end(self) -> None:
        """Leave out what is there now. Raises `CannotLook`."""

    async def read(self, take: Take) -> None:
        """Hand over what came since the last time. Raises `CannotLook`; it may be tried again."""

    async def close(self) -> None:
        """Let go of it; `read` would open it again, where it stood."""


class Store:
    """The store of a server without Kafka; from its beginning on, or from `skip_to_end`."""

    def __init__(self, data_dir: Path) -> None:
        """Raises `CannotLook` when there is no store in that directory."""
        store = data_dir / "store"
        if not data_dir.is_dir():
            raise CannotLook(f"{data_dir} does not exist: is this the server's data_dir?")
        if not store.is_dir():
            raise CannotLook(f"{store} does not exist: no server without Kafka ran on it")
        self._reader = Reader(store)

    async def skip_to_end(self) -> None:
        """Leave out what is there now."""
        try:
            await asyncio.to_thread(self._reader.skip_to_end)
        except OSError as error:
            raise CannotLook(f"the store cannot be read: {error}") from None

    async def read(self, take: Take) -> None:
        """Hand over what came since the last time."""
        try:
            await asyncio.to_thread(self._read, take)
        except OSError as error:
            raise CannotLook(f"the store cannot be read: {error}") from None

    async def close(self) -> None:
        """Close the file that is open."""
        self._reader.close()

    def _read(self, take: Take) -> None:
        for batch in self._reader.batches():
            for record in batch.records:
                take(record.value)


class Topic:
    """The topic of events; from its beginning on, or from `skip_to_end`."""

    def __init__(self, config: Kafka) -> None:
        """Nothing is asked yet."""
        self._config = config
        self._topic = config.topic(EVENTS)
        self._next: dict[TopicPartition, int] = {}
        """Offsets to read on from; a partition without one is read from its beginning."""
        self._consumer: AIOKafkaConsumer | None = None

    async def skip_to_end(self) -> None:
        """Leave out what is there now. Nothing stays open: Kafka may be broken meanwhile."""
        try:
            self._next = dict(await self._ends(await self._connected()))
        except _FAILURES as error:
            raise self._failure(error) from None
        finally:
            await self.close()

    async def read(self, take: Take) -> None:
        """Hand over what came since the last time, up to the topic's end at the call."""
        try:
            await self._read(take)
        except _FAILURES as error:
            await self.close()
            raise self._failure(error) from None

    async def close(self) -> None:
        """End the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stopped(consumer.stop(), _ANSWER)

    async def _read(self, take: Take) -> None:
        clock = asyncio.get_running_loop().time
        consumer = await self._connected()
        ends = await self._ends(consumer)
        heard = clock()
        while await _behind(consumer, ends):
            fetched = await answered(consumer.getmany(timeout_ms=_POLL_MS), _ANSWER)
            for partition, records in fetched.items():
                for record in records:
                    take(record.value)
                self._next[partition] = records[-1].offset + 1
            if fetched:
                heard = clock()
            elif clock() - heard > _ANSWER:
                raise TimeoutError

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            partitions = await self._partitions()
            self._consumer = AIOKafkaConsumer(
                **client_options(self._config),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",  # where retention was faster than we
                request_timeout_ms=int(_ANSWER * 1000),
            )
            await answered(self._consumer.start(), 2 * _ANSWER)
            self._consumer.assign(partitions)
            for partition in partitions:
                if partition in self._next:
                    self._consumer.seek(partition, self._next[partition])
                else:
                    await answered(self._consumer.seek_to_beginning(partition), _ANSWER)
        return self._consumer

    async def _partitions(self) -> list[TopicPartition]:
        async with admin_client(self._config) as admin:
            # All are listed: asking for one by name would create it where brokers do that.
            topics = await answered(admin.describe_topics(), _ANSWER)
        counts = {known["topic"]: len(known["partitions"]) for known in topics}
        if self._topic not in counts:
            raise CannotLook(f"topic {self._topic} does not exist on this cluster")
        return [TopicPartition(self._topic, number) for number in range(counts[self._topic])]

    async def _ends(self, consumer: AIOKafkaConsumer) -> Mapping[TopicPartition, int]:
        ends: Mapping[TopicPartition, int] = await answered(
            consumer.end_offsets(list(consumer.assignment())), _ANSWER
        )
        return ends

    def _failure(self, error: BaseException) -> CannotLook:
        if isinstance(error, CannotLook):
            return error
        where = ", ".join(self._config.bootstrap_servers)
        return CannotLook(f"Kafka at {where} cannot be read: {translate(error)}")


# aiokafka lets AssertionError out where a broker hangs up while it connects.
_FAILURES = (KafkaError, SinkError, OSError, AssertionError, CannotLook)


async def _behind(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    for partition, end in ends.items():
        if await answered(consumer.position(partition), _ANSWER) < end:
            return True
    return False
