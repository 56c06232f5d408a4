"""Publishes who is there now: every two seconds the sites whose number changed."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

import orjson
from aiokafka import AIOKafkaProducer

from ingest.config import Kafka
from ingest.log.kafka_client import client_options, translate
from ingest.stats.kafka_topics import ALIVE, NAME, create_now
from ingest.stats.patience import ANSWER, answered, stopped
from ingest.stats.read_now import NowReader

EVERY = 2.0
"""Seconds."""
_SITES = 500
"""Looked at before others run."""
_logger = logging.getLogger(__name__)


class Numbers(Protocol):
    """Whose numbers are published."""

    def active(self) -> Iterable[str]:
        """Sites that may have visitors."""

    def online(self, site: str) -> int:
        """How many are there."""

    @property
    def delayed_since(self) -> int | None:
        """Since when the numbers are delayed."""

    @property
    def current(self) -> bool:
        """Whether the log was counted up to its end, and is not delayed since."""


class NowPublisher:
    """One coroutine between `start` and `stop`."""

    def __init__(
        self, config: Kafka, numbers: Numbers, clock: Callable[[], int], every: float = EVERY
    ) -> None:
        self._config = config
        self._topic = config.topic(NAME)
        self._numbers = numbers
        self._clock = clock
        self._every = every
        self._published: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    def start(self) -> None:
        """Begin to publish. Kafka need not be there yet."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._publish()
            except Exception as error:
                if not self._failing:
                    fields = {"reason": str(translate(error))}
                    _logger.warning("visitors cannot be published", extra={"fields": fields})
                    self._failing = True
                await asyncio.sleep(self._every)

    async def _publish(self) -> None:
        await answered(create_now(self._config), 2 * ANSWER)
        # What is on the topic from an earlier run must not stand there for ever.
        self._published = await self._on_topic()
        producer = AIOKafkaProducer(**client_options(self._config), linger_ms=20)
        try:
            await answered(producer.start(), 2 * ANSWER)
            while True:
                await self._once(producer)
                if self._failing:
                    _logger.info("visitors are published again")
                    self._failing = False
                await asyncio.sleep(self._every)
        finally:
            await stopped(producer.stop(), ANSWER)

    async def _on_topic(self) -> dict[str, int]:
        reader = NowReader(self._config)
        reader.start()
        try:
            await asyncio.wait_for(reader.caught_up.wait(), 4 * ANSWER)
            return reader.numbers
        finally:
            await reader.stop()

    async def _once(self, producer: AIOKafkaProducer) -> None:
        now = self._clock()
        # What is known while catching up is less than what stands there, by a hot copy or before.
        changed = await self._changed() if self._numbers.current else {}
        alive = {"as_of": now, "delayed_since": self._numbers.delayed_since}
        sent = [await producer.send(self._topic, orjson.dumps(alive), ALIVE)]
        for site, online in changed.items():
            # Nobody: a deletion, so that compaction leaves nothing of sites that are gone.
            value = orjson.dumps({"now": online, "as_of": now}) if online else None
            sent.append(await producer.send(self._topic, value, site.encode()))
        await asyncio.wait_for(asyncio.gather(*sent), ANSWER)
        for site, online in changed.items():
            self._published[site] = online
            if not online:
                del self._published[site]

    async def _changed(self) -> dict[str, int]:
        changed: dict[str, int] = {}
        for number, site in enumerate({*self._numbers.active(), *self._published}):
            online = self._numbers.online(site)
            if online != self._published.get(site, 0):
                changed[site] = online
            if number % _SITES == _SITES - 1:
                await asyncio.sleep(0)
        return changed
