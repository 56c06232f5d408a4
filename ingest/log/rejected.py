"""Rejected events, kept for whoever has to find out why: best effort, never in a ping's way."""

import asyncio
import contextlib
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ingest.config import Config, Kafka
from ingest.log.batch import Record
from ingest.log.kafka_client import admin_client
from ingest.log.kafka_producer import KafkaLink
from ingest.log.partition import Partitions
from ingest.log.rejected_files import RejectedFiles
from ingest.log.sink import SinkError, SinkUnavailable
from ingest.log.topics import REJECTED, create_missing

REJECTED_HEADERS: Final = (("schema", b"rejected/1"), ("content-type", b"application/json"))
DIRECTORY: Final = "rejected"
"""Of the files, in `data_dir`."""
_GATHER = 0.1
"""Seconds that events wait for company."""
_PAUSE = 1.0
"""Seconds between tries while they cannot be written; events wait meanwhile, up to the bound."""
_TIDY = 60.0
_CHUNK = 200
"""Events written together at most: they are at most 4 KiB each."""
_ACKNOWLEDGE = 5.0
_LAST_WORDS = 1.0
"""Seconds for the rest, at the stop."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class RejectedCounts:
    """Plain integers for metrics."""

    written: int = 0
    dropped: int = 0
    """For want of room, or because writing them failed."""


class RejectedWriter:
    """Takes rejected events and writes them in the background: to Kafka, or to files here."""

    def __init__(
        self, config: Config, clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        """`clock` gives epoch milliseconds."""
        self.counts = RejectedCounts()
        self._limit = config.rejected.max_waiting
        self._outlet: _Outlet = (
            _Topic(config.kafka)
            if config.uses_kafka
            else _Directory(config.data_dir / DIRECTORY, config.rejected.max_bytes, clock)
        )
        self._waiting: deque[Record] = deque()
        self._bytes = 0
        self._offered = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._trouble = ""
        self._tidy_at = 0.0
        self._closing = False

    def offer(self, key: bytes, value: bytes, time_ms: int) -> None:
        """Take one event, or drop it where too many wait; never blocks."""
        record = Record(key, value, time_ms)
        if self._bytes + record.size > self._limit:
            self.counts.dropped += 1
            return
        self._bytes += record.size
        self._waiting.append(record)
        self._offered.set()

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="rejected")

    async def close(self) -> None:
        """Write what waits, for about a second at most, and drop the rest."""
        self._closing = True
        self._offered.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_LAST_WORDS)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.counts.dropped += len(self._waiting)
        self._waiting.clear()
        await self._outlet.close()

    async def _run(self) -> None:
        while True:
            await self._tidy_when_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TIDY):
                    await self._offered.wait()
            self._offered.clear()
            if self._waiting:
                await self._pause(_GATHER)
                while self._waiting and await self._write_some():
                    pass
            if self._closing:
                return
            if self._waiting:
                await self._pause(_PAUSE)
                self._offered.set()

    async def _pause(self, seconds: float) -> None:
        if not self._closing:
            await asyncio.sleep(seconds)

    async def _tidy_when_due(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._tidy_at:
            return
        self._tidy_at = now + _TIDY
        try:
            await self._outlet.tidy()
        except OSError as error:
            self._say(error)

    async def _write_some(self) -> bool:
        """Write a chunk, or drop it; False when nothing can be written now, and it waits on."""
        chunk = [self._waiting.popleft() for _ in range(min(len(self._waiting), _CHUNK))]
        lost = len(chunk)
        try:
            lost = await self._outlet.write(chunk)
            self._trouble = ""
        except SinkUnavailable as error:
            self._say(error)
            self._waiting.extendleft(reversed(chunk))
            chunk = []
            lost = 0
            return False
        except (SinkError, OSError) as error:
            self._say(error)
        finally:  # also when it was cancelled
            self.counts.written += len(chunk) - lost
            self.counts.dropped += lost
            self._bytes -= sum(record.size for record in chunk)
        return True

    def _say(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        if reason != self._trouble:
            self._trouble = reason
            fields = {"reason": reason}
            _log.warning("rejected events cannot be kept", extra={"fields": fields})


class _Outlet(Protocol):
    """Where rejected events go."""

    async def write(self, records: Sequence[Record]) -> int:
        """Write them; return how many were lost.

        Raises `SinkUnavailable` when none was written and all may be tried again, `SinkError` or
        `OSError` when they are lost.
        """

    async def tidy(self) -> None:
        """Do what is due."""

    async def close(self) -> None:
        """Let go of files and connections."""


class _Directory:
    """Files here. The disk may be slow, so they are written in a thread."""

    def __init__(self, directory: Path, max_bytes: int, clock: Callable[[], int]) -> None:
        self._files = RejectedFiles(directory, max_bytes, clock)

    async def write(self, records: Sequence[Record]) -> int:
        return await asyncio.to_thread(self._files.write, [record.value for record in records])

    async def tidy(self) -> None:
        await asyncio.to_thread(self._files.tidy)

    async def close(self) -> None:
        self._files.close()


class _Topic:
    """The topic on Kafka, by a producer of its own: these never stand in an event's way."""

    def __init__(self, config: Kafka) -> None:
        self._config = config
        self._link: KafkaLink | None = None
        self._partitions = Partitions(1)

    async def write(self, records: Sequence[Record]) -> int:
        link = self._link = self._link or await self._connect()
        self._partitions.count = max(link.partitions, 1)
        by_partition: defaultdict[int, list[Record]] = defaultdict(list)
        for record in records:
            by_partition[self._partitions.of(record.key)].append(record)
        parts = list(by_partition.items())
        results = await asyncio.gather(
            *(link.send(*part) for part in parts), return_exceptions=True
        )
        if link.lost.is_set() or not link.alive:
            await self.close()
        if all(isinstance(result, SinkUnavailable) for result in results):
            raise SinkUnavailable(str(results[0]))
        return sum(
            len(part[1]) for part, result in zip(parts, results, strict=True) if result is not None
        )

    async def tidy(self) -> None:
        """Kafka's retention does it."""

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _connect(self) -> KafkaLink:
        topic = self._config.topic(REJECTED)
        try:
            async with admin_client(self._config) as admin:
                await create_missing(admin, self._config, REJECTED)
            return await KafkaLink.open(self._config, topic, REJECTED_HEADERS, _ACKNOWLEDGE)
        except SinkError as error:  # whatever it is, nothing was written
            raise SinkUnavailable(str(error)) from None
