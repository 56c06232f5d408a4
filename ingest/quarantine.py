"""`ingest quarantine`: what Kafka refused, listed, or sent to it once more."""

import asyncio
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from ingest.config import Config
from ingest.log.batch import Record
from ingest.log.kafka import EVENT_HEADERS
from ingest.log.kafka_client import admin_client
from ingest.log.kafka_producer import KafkaLink
from ingest.log.partition import Partitions
from ingest.log.quarantine import Sent, kept_in, send_all
from ingest.log.sink import SinkError, SinkUnavailable
from ingest.log.topics import EVENTS, create_missing
from ingest.logs import setup

_ACKNOWLEDGE = 10.0
"""Seconds that Kafka has for one record: nobody waits for an answer here."""


def list_quarantine(config: Config) -> int:
    """Print day of receipt, site, reason and how many, tab by tab; returns the exit code."""
    setup(config.logs)
    try:
        found: Counter[tuple[str, str, str]] = Counter()
        for received, kept in kept_in(_existing(config)):
            day = datetime.fromtimestamp(received / 1000, UTC).date().isoformat()
            found[day, kept.record.key.decode(), kept.reason] += 1
    except (SinkError, OSError) as error:
        return _failed(str(error))
    for (day, site, reason), count in sorted(found.items()):
        print(day, site, reason, count, sep="\t")
    if not found:
        print("ingest: the quarantine is empty", file=sys.stderr)
    return 0


def send_quarantine(config: Config) -> int:
    """Send all of it to Kafka; returns 0 when nothing is left, else 1."""
    setup(config.logs)
    if not config.uses_kafka:
        return _failed("no Kafka is configured: give --kafka HOST:PORT")
    try:
        sent = asyncio.run(_send(config))
    except (SinkError, OSError) as error:
        return _failed(str(error))
    print(f"{sent.sent} sent, {sent.refused} refused again, {sent.left} not tried")
    if sent.trouble is not None:
        return _failed(f"Kafka: {sent.trouble}")
    return 1 if sent.refused else 0


def _failed(reason: str) -> int:
    print(f"ingest: {reason}", file=sys.stderr)
    return 1


def _existing(config: Config) -> Path:
    directory = config.quarantine_dir
    if not directory.is_dir():
        raise SinkUnavailable(f"{directory} does not exist: no server with Kafka ran on it")
    return directory


class _Producer:
    """One record after the other; made anew after each that is refused, as `KafkaLink` wants it."""

    def __init__(self, config: Config) -> None:
        self._config = config.kafka
        self._link: KafkaLink | None = None
        self._partitions = Partitions(1)

    async def send(self, record: Record) -> None:
        """Return once it is acknowledged. Raises `SinkError`."""
        if self._link is None:
            topic = self._config.topic(EVENTS)
            self._link = await KafkaLink.open(self._config, topic, EVENT_HEADERS, _ACKNOWLEDGE)
        self._partitions.count = max(self._link.partitions, 1)
        try:
            await self._link.send(self._partitions.of(record.key), [record])
        except SinkError:
            await self.close()
            raise

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()


async def _send(config: Config) -> Sent:
    directory = _existing(config)
    async with admin_client(config.kafka) as admin:
        await create_missing(admin, config.kafka)
    producer = _Producer(config)
    try:
        return await send_all(directory, producer.send)
    finally:
        await producer.close()
