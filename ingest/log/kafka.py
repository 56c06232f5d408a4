"""Kafka as a sink: connects in the background, again and again, and refuses batches meanwhile."""

import asyncio
import contextlib
import logging
from typing import Final

from ingest.config import Delivery, Kafka
from ingest.log.batch import Batch, Settled
from ingest.log.kafka_client import admin_client
from ingest.log.kafka_producer import KafkaLink
from ingest.log.sink import SinkError, SinkUnavailable
from ingest.log.topics import EVENTS, Finding, Severity, create_missing

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

    def __init__(self, config: Kafka, delivery: Delivery) -> None:
        self._config = config
        self._timeout = delivery.timeout
        self._topic = config.topic(EVENTS)
        self._link: KafkaLink | None = None
        self._partitions = config.partitions
        self._keeper: asyncio.Task[None] | None = None
        self._retired: dict[asyncio.Task[None], KafkaLink] = {}
        self._said: set[Finding] = set()
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
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        for link in self._retired.values():
            link.give_up()
        if self._retired:
            await asyncio.wait(self._retired)

    @property
    def ready(self) -> bool:
        """Whether Kafka would probably take a batch now."""
        return self._link is not None

    @property
    def partitions(self) -> int:
        """How many the events topic has; what we would create it with, until that is known."""
        return self._partitions

    @property
    def batch_limit(self) -> int:
        """Bytes of a batch at most."""
        return self._config.batch_bytes

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
            self._say_away(str(error))
            return pause
        except Exception:
            _log.exception("connecting to kafka failed")
            self._tried.set()
            return pause
        if self._link is not None:
            self._retire(self._link)  # it was lost, yet good for some partitions
        self._link = link
        self._say_connected(link)
        await self._watch(link)
        self._say_away(str(link.reason or "aiokafka's sending task ended"))
        if self._link is link and not (link.usable and link.alive):
            self._retire(link)
        return 0.0 if link.proven else pause

    async def _connect(self) -> KafkaLink:
        async with admin_client(self._config) as admin:
            findings = await create_missing(admin, self._config)
        link = await KafkaLink.open(self._config, self._topic, EVENT_HEADERS, self._timeout)
        for finding in findings:
            self._say_finding(finding)
        return link

    async def _watch(self, link: KafkaLink) -> None:
        """Return once a new link is needed."""
        while link.alive and not link.lost.is_set():
            self._partitions = link.partitions or self._partitions
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

    def _say_connected(self, link: KafkaLink) -> None:
        self.trouble = None
        self._tried.set()
        self._partitions = link.partitions or self._partitions
        fields = {"topic": self._topic, "partitions": self._partitions}
        _log.info("kafka connected", extra={"fields": fields})

    def _say_away(self, reason: str) -> None:
        self._tried.set()
        if reason != self.trouble:
            self.trouble = reason
            _log.warning("kafka away", extra={"fields": {"reason": reason}})

    def _say_finding(self, finding: Finding) -> None:
        if finding in self._said:
            return
        self._said.add(finding)
        level = {Severity.OK: logging.DEBUG, Severity.WARNING: logging.WARNING}
        fields = {"finding": finding.text}
        _log.log(
            level.get(finding.severity, logging.ERROR), "kafka topic", extra={"fields": fields}
        )


def _longer(pause: float) -> float:
    return min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
