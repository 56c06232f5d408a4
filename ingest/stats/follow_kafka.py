"""Counts what Kafka holds: all partitions of the events' topic, in one process.

By aiokafka, like all our clients: on one broker a record costs 2.1 µs, with librdkafka 1.6, of the
8.5 that counting takes in all (docs/performance.md); that buys no second client with settings of
its own.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from ingest.config import Kafka
from ingest.log.kafka_client import client_options, translate
from ingest.log.topics import EVENTS
from ingest.stats.delay import Lag
from ingest.stats.kafka_topics import partitions_of
from ingest.stats.keeper import Keeper
from ingest.stats.patience import ANSWER, UNREACHABLE, answered, stopped
from ingest.stats.state import UNREADABLE

_RECORDS = 4_000
"""Taken at a time."""
_WAIT_MS = 500
"""How long to wait for records."""
_FETCH = 2 * 1024 * 1024
"""Bytes of a partition fetched at a time."""
_ASK_EVERY = 2.0
"""Seconds between questions for the end of the log, while nothing comes."""
_AFTER_FAILURE = 1.0
_logger = logging.getLogger(__name__)


class KafkaFollower:
    """One coroutine between `start` and `stop`. Offsets are kept with the counts, not in Kafka."""

    def __init__(self, config: Kafka, keeper: Keeper, clock: Callable[[], int]) -> None:
        self.lag = Lag()
        self._config = config
        self._topic = config.topic(EVENTS)
        self._keeper = keeper
        self._clock = clock
        self._offsets = self._saved_offsets()
        self._consumer: AIOKafkaConsumer | None = None
        self._asked_at = 0.0
        self._reason = ""
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin where the saved counts end. Kafka need not be there yet."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End after the records that are being counted, and save."""
        self._stopping = True
        if self._task is not None:
            await self._task
        await self._disconnect()
        await self._keeper.save(self._positions())
        self._keeper.close()

    @property
    def offsets(self) -> dict[int, int]:
        """Of each partition: behind what is counted."""
        return dict(self._offsets)

    def _saved_offsets(self) -> dict[int, int]:
        offsets = {}
        for log, position in self._keeper.positions.items():
            topic, _, partition = log.rpartition("/")
            if topic == self._topic:
                offsets[int(partition)] = int(position)
        return offsets

    def _positions(self) -> dict[str, str]:
        return {f"{self._topic}/{number}": str(at) for number, at in self._offsets.items()}

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._step()
            except UNREADABLE as error:
                await self._keeper.recover(error)
                self._offsets = self._saved_offsets()
                await self._disconnect()
            except UNREACHABLE as error:
                self.lag.behind(self._clock())
                self._warn(str(translate(error)))
                await self._disconnect()
                await asyncio.sleep(_AFTER_FAILURE)
            except Exception:
                _logger.exception("counting failed")
                await self._disconnect()
                await asyncio.sleep(_AFTER_FAILURE)

    async def _step(self) -> None:
        """Count some records, or find that there are none; then do what is due."""
        consumer = self._consumer or await self._connect()
        records = consumer.getmany(timeout_ms=_WAIT_MS, max_records=_RECORDS)
        fetched = await answered(records, ANSWER)
        self._say_readable()
        newest = None
        for partition, found in fetched.items():
            await self._keeper.apply([each.value for each in found if each.value is not None])
            self._offsets[partition.partition] = found[-1].offset + 1
            newest = max(newest or 0, found[-1].timestamp)
        if newest is None:
            await self._ask_for_end(consumer)
        elif self._at_end(consumer):
            self.lag.caught_up(self._clock())
        else:
            self.lag.behind(self._clock(), newest)
        self._keeper.when_due(self._positions())

    def _warn(self, reason: str) -> None:
        """Say it once, not with every try."""
        if reason != self._reason:
            self._reason = reason
            fields = {"topic": self._topic, "reason": reason}
            _logger.warning("events cannot be read from Kafka", extra={"fields": fields})

    def _say_readable(self) -> None:
        if self._reason:
            self._reason = ""
            fields = {"topic": self._topic}
            _logger.info("events are read from Kafka again", extra={"fields": fields})

    async def _connect(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            **client_options(self._config),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH,
        )
        try:
            await answered(consumer.start(), 2 * ANSWER)
            self._assign(
                consumer, await answered(partitions_of(self._config, self._topic), 2 * ANSWER)
            )
        except BaseException:
            await _stop(consumer)
            raise
        self._consumer = consumer
        return consumer

    def _assign(self, consumer: AIOKafkaConsumer, partitions: Sequence[int]) -> None:
        consumer.assign([TopicPartition(self._topic, number) for number in partitions])
        for number in partitions:
            # Without a saved offset from the beginning, and not from what is new.
            consumer.seek(TopicPartition(self._topic, number), self._offsets.setdefault(number, 0))

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stop(consumer)

    async def _ask_for_end(self, consumer: AIOKafkaConsumer) -> None:
        """Nothing came: because there is nothing, or because nobody answers?"""
        time = asyncio.get_running_loop().time()
        if time - self._asked_at < _ASK_EVERY:
            return
        self._asked_at = time
        assigned = consumer.assignment()
        ends = await answered(consumer.end_offsets(list(assigned)), ANSWER)
        if all(self._offsets[each.partition] >= end for each, end in ends.items()):
            self.lag.caught_up(self._clock())
        else:
            self.lag.behind(self._clock())
        known = consumer.partitions_for_topic(self._topic) or set()
        if known - {each.partition for each in assigned}:
            self._assign(consumer, sorted(known))  # the topic has got more partitions

    def _at_end(self, consumer: AIOKafkaConsumer) -> bool:
        return all(
            self._offsets[each.partition] >= (consumer.highwater(each) or 0)
            for each in consumer.assignment()
        )


async def _stop(consumer: AIOKafkaConsumer) -> None:
    await stopped(consumer.stop(), ANSWER)
