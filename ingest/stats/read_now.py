"""Reads the numbers that the stats role publishes, for a collector's badges."""

import asyncio
import logging

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from ingest.config import Kafka
from ingest.log.kafka_client import client_options, translate
from ingest.stats.kafka_topics import ALIVE, NAME, partitions_of
from ingest.stats.patience import ANSWER, UNREACHABLE, answered, stopped

_AFTER_FAILURE = 2.0
_WAIT_MS = 500
_SILENCE = 3_600.0
"""Seconds without a record after which all is read anew: a deletion stands on the topic for a day
(`delete.retention.ms`), and one that was missed leaves its number for ever."""
_logger = logging.getLogger(__name__)


class NowReader:
    """Knows the numbers that were published. One coroutine between `start` and `stop`."""

    def __init__(self, config: Kafka, silence: float = _SILENCE) -> None:
        self._config = config
        self._silence = silence
        self._topic = config.topic(NAME)
        self._numbers: dict[str, int] = {}
        self._stopping = False
        self._away = False
        self._task: asyncio.Task[None] | None = None
        self.as_of: int | None = None
        """When the stats role last gave a sign of life, in epoch milliseconds."""
        self.delayed_since: int | None = None
        """Since when its counts are delayed, as it said."""
        self.caught_up = asyncio.Event()
        """Set once all that was published before has been read."""

    def start(self) -> None:
        """Begin to read. Kafka need not be there yet."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End."""
        self._stopping = True
        if self._task is not None:
            await self._task

    def online(self, site: str) -> int:
        """How many are there, as published last."""
        return self._numbers.get(site, 0)

    @property
    def numbers(self) -> dict[str, int]:
        """All that are not zero."""
        return dict(self._numbers)

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._read()
            except UNREACHABLE as error:
                self._say_away(str(translate(error)))
                await asyncio.sleep(_AFTER_FAILURE)

    def _say_away(self, reason: str) -> None:
        """Say it once, not with every try."""
        if not self._away:
            self._away = True
            fields = {"topic": self._topic, "reason": reason}
            _logger.warning("numbers of visitors cannot be read", extra={"fields": fields})

    def _say_readable(self) -> None:
        if self._away:
            self._away = False
            fields = {"topic": self._topic}
            _logger.info("numbers of visitors are read again", extra={"fields": fields})

    async def _read(self) -> None:
        """Read from the beginning; until the end, what was known before stands."""
        numbers: dict[str, int] = {}
        time = asyncio.get_running_loop().time
        consumer = AIOKafkaConsumer(
            **client_options(self._config), group_id=None, auto_offset_reset="earliest"
        )
        try:
            await answered(consumer.start(), 2 * ANSWER)
            await answered(partitions_of(self._config, self._topic), 2 * ANSWER)
            partition = TopicPartition(self._topic, 0)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            end = (await answered(consumer.end_offsets([partition]), ANSWER))[partition]
            self._say_readable()
            heard = time()
            while not self._stopping:
                fetched = await answered(consumer.getmany(timeout_ms=_WAIT_MS), ANSWER)
                records = fetched.get(partition, ())
                if records:
                    if numbers is self._numbers and time() - heard > self._silence:
                        return
                    heard = time()
                for record in records:
                    self._take(numbers, record.key, record.value)
                if await consumer.position(partition) >= end:
                    self._numbers = numbers
                    self.caught_up.set()
        finally:
            await stopped(consumer.stop(), ANSWER)

    def _take(self, numbers: dict[str, int], key: bytes, value: bytes | None) -> None:
        try:
            said = orjson.loads(value) if value is not None else {"now": 0}
            if key == ALIVE:
                self.as_of, self.delayed_since = said["as_of"], said["delayed_since"]
            elif said["now"]:
                numbers[key.decode()] = said["now"]
            else:
                numbers.pop(key.decode(), None)
        except (ValueError, KeyError, TypeError):
            _logger.warning("a number of visitors that was published is none of ours")
