"""Kafka as a sink: connects in the background, again and again, and refuses batches meanwhile."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final

from ingest.config import Delivery, Kafka
from ingest.log.batch import Batch, Settled
from ingest.log.kafka_client import admin_client
from ingest.log.kafka_producer import KafkaLink
from ingest.log.partition import Partitions
from ingest.log.sink import SinkError, SinkUnavailable
from ingest.log.topics import BATCH_FRAMING, EVENTS, Finding, Severity, create_missing

EVENT_HEADERS: Final = (("schema", b"event/1"), ("content-type", b"application/json"))
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
"""Seconds between tries to connect: Kafka is used again within about this time."""
_LOOK = 0.5
"""Seconds between looks at whether aiokafka's sending task still runs, and at the partitions."""
_FIRST_TRY = 3.0
"""Seconds that a start waits to hear whether Kafka is there."""
_log = logging.getLogger(__name__)


class KafkaSink:
    """Writes batches to the events topic. Implements `Sink`."""

    def __init__(self, config: Kafka, delivery: Delivery, largest: int = 0) -> None:
        """`largest`: bytes of a record's key and value at most, which the topic must take."""
        self._config = config
        self._largest = largest
        self._timeout = delivery.timeout
        self._topic = config.topic(EVENTS)
        self._link: KafkaLink | None = None
        self.by_key = Partitions(config.partitions)
        """The partition of a key, now."""
        self.batch_limit = config.batch_bytes
        """Bytes of a batch at most; looked up once a batch."""
        self._keeper: asyncio.Task[None] | None = None
        self._retired: dict[asyncio.Task[None], KafkaLink] = {}
        self._said: frozenset[Finding] = frozenset()
        self._last_away: str | None = None
        self._in_vain = False
        """Whether link after link takes nothing, for one reason: then none of them is news."""
        self._tried = asyncio.Event()
        self.trouble: str | None = "not connected yet"
        """What keeps us from Kafka, in plain words; None while connected."""

    async def start(self) -> None:
        """Begin to connect, and return once that went well or failed: Kafka may come later.

        So the first ping of a server whose Kafka is there is not refused.
        """
        self._keeper = asyncio.create_task(self._keep_connected(), name="kafka")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_TRY):
                await self._tried.wait()

    async def write(self, batch: Batch) -> Settled:
        """Return once Kafka has acknowledged the batch.

        Raises `SinkUnavailable` at once when not connected, `SinkTimeout` after
        `delivery.timeout` (the batch may yet be stored), `RecordRefused` when Kafka will not have
        a record, and `SinkError` when its fate is not known.
        """
        link = self._link
        if link is None:
            raise SinkUnavailable(self.trouble or "not connected")
        try:
            await link.send(batch.partition, batch.records)
        finally:
            if self._link is link and not link.usable:
                self._retire(link)  # at once: nobody else should wait for the same deadline
        return Settled.DIRECT

    async def close(self) -> None:
        """Disconnect. Batches under way are given up; takes at most a few seconds."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        for link in self._retired.values():
            link.give_up()
        if self._retired:
            await asyncio.wait(self._retired)

    @property
    def partitions(self) -> int:
        """How many the events topic has; what we would create it with, until that is known."""
        return self.by_key.count

    @property
    def ready(self) -> bool:
        """Whether Kafka would probably take a batch now."""
        return self._link is not None

    async def _keep_connected(self) -> None:
        pause = 0.0
        try:
            while True:
                await asyncio.sleep(pause)
                pause = await self._connected_once(_longer(pause))
        finally:
            if self._link is not None:
                self._retire(self._link)

    async def _connected_once(self, pause: float) -> float:
        """Connect, and return when that failed or ended: with the pause before the next try."""
        try:
            link = await self._connect()
        except SinkError as error:
            self._not_connected(str(error))
            return pause
        except Exception:
            _log.exception("connecting to kafka failed")
            self._not_connected("a mistake in the collector")
            return pause
        if self._link is not None:
            self._retire(self._link)  # it was lost, yet good for some partitions
        self._link = link
        self._say_connected(link)
        await self._watch(link)
        self._say_lost(link)
        if self._link is link and not (link.usable and link.alive):
            self._retire(link)
        return 0.0 if link.proven else pause

    async def _connect(self) -> KafkaLink:
        async with admin_client(self._config) as admin:
            looked = await create_missing(admin, self._config, largest=self._largest)
        link = await KafkaLink.open(self._config, self._topic, EVENT_HEADERS, self._timeout)
        if looked.largest_batch is not None:
            # A batch above it would be refused whole, and come back in halves.
            self.batch_limit = min(self._config.batch_bytes, looked.largest_batch - BATCH_FRAMING)
        self._say_findings(looked.findings)
        return link

    async def _watch(self, link: KafkaLink) -> None:
        """Return once a new link is needed."""
        while link.alive and not link.lost.is_set():
            self.by_key.count = link.partitions or self.partitions
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await link.lost.wait()

    def _retire(self, link: KafkaLink) -> None:
        """Use it no more, and let it go once its batches are settled or late."""
        if self._link is link:
            self._link = None
        task = asyncio.create_task(link.close(linger=self._timeout))
        self._retired[task] = link
        task.add_done_callback(self._retired.pop)

    def _not_connected(self, reason: str) -> None:
        self._tried.set()
        if self._link is not None and self._link.going:
            return  # lost for some partitions, and good for the others
        if self._link is not None:
            self._retire(self._link)
        self._in_vain = False
        if reason != self.trouble:
            self._say_away(reason)

    def _say_connected(self, link: KafkaLink) -> None:
        self.trouble = None
        self._tried.set()
        self.by_key.count = link.partitions or self.partitions
        if not self._in_vain:
            fields = {"topic": self._topic, "partitions": self.partitions}
            _log.info("kafka connected", extra={"fields": fields})

    def _say_lost(self, link: KafkaLink) -> None:
        reason = str(link.reason or "aiokafka's sending task ended")
        known, self._in_vain = self._in_vain, not link.proven and reason == self._last_away
        self.trouble = reason
        if not (known and self._in_vain):
            self._say_away(reason)

    def _say_away(self, reason: str) -> None:
        self.trouble = self._last_away = reason
        _log.warning("kafka away", extra={"fields": {"reason": reason}})

    def _say_findings(self, findings: Sequence[Finding]) -> None:
        """Say each once, and again only when it was mended meanwhile."""
        level = {Severity.OK: logging.DEBUG, Severity.WARNING: logging.WARNING}
        for finding in findings:
            if finding not in self._said:
                fields = {"finding": finding.text}
                number = level.get(finding.severity, logging.ERROR)
                _log.log(number, "kafka topic", extra={"fields": fields})
        self._said = frozenset(findings)


def _longer(pause: float) -> float:
    return min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
