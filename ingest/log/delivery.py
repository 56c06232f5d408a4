"""Kafka first, the spool when Kafka does not take a batch, and back from there to Kafka.

One missed deadline opens the breaker: everything then goes to the spool without trying, so that a
ping's worst answer time is one deadline and one sync. What waits is replayed oldest first, and is
the probe: the breaker closes when Kafka takes it, or when it is connected and nothing waits.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from ingest.config import Spool as SpoolConfig
from ingest.log.batch import Batch, Batching, Record, Settled, nobody
from ingest.log.reader import StoredBatch
from ingest.log.sink import RecordRefused, Sink, SinkError, SinkTimeout, SinkUnavailable
from ingest.log.spool import Spool

QUARANTINE = "quarantine"
"""Directory of the records that Kafka refuses for themselves."""
_PROBE = 1.0
"""Seconds between probes while Kafka takes nothing."""
_LOOK = 0.1
"""Seconds between looks at the spool while it is empty."""
_REPLAYED_TOGETHER = 1024 * 1024
"""Bytes of records under way in the replay at most: live traffic has the rest of the budget."""
_log = logging.getLogger(__name__)


class Remote(Sink, Protocol):
    """The sink that may be away: Kafka, or memory in tests."""

    trouble: str | None
    """Why it takes nothing, in plain words."""


class Delivery:
    """Writes batches where they become durable soonest. Implements `Sink`."""

    def __init__(
        self,
        remote: Remote,
        spool: Spool,
        quarantine: Sink,
        batching: Batching,
        clock: Callable[[], int],
        config: SpoolConfig,
        probe: float = _PROBE,
    ) -> None:
        """`clock` returns epoch milliseconds; `probe` is in seconds."""
        self._probe = probe
        self._look = min(_LOOK, probe)
        self._remote = remote
        self._spool = spool
        self._quarantine = quarantine
        self._partition = batching.partition
        self._limit = batching.limit
        self._clock = clock
        self._alarm_age = config.alarm_age
        self._breaker_open = False
        self._alarmed = False
        self._replaying: asyncio.Task[None] | None = None
        self.oldest = 0.0
        """Seconds that the oldest event has waited in the spool; 0 when none does."""

    async def start(self) -> None:
        """Open the spool, begin to connect and to replay. Raises `SinkError` or `OSError`."""
        await self._spool.start()
        await self._quarantine.start()
        await self._remote.start()
        self._replaying = asyncio.create_task(self._replay(), name="replay")

    async def write(self, batch: Batch) -> Settled:
        """Return once the batch is durable, and where. Raises `SinkError` when it is not."""
        unknown = None
        if self._remote.ready and not self._breaker_open:
            try:
                return await self._remote.write(batch)
            except SinkError as error:
                # A refused record is found by the replay; its neighbours' senders wait no longer.
                if not isinstance(error, RecordRefused):
                    self._open_breaker(error)
                if not isinstance(error, SinkUnavailable | RecordRefused):
                    unknown = error
        try:
            await self._spool.append(batch)
        except SinkError as error:
            if unknown is None:
                raise
            raise SinkError(f"{unknown}; then {error}") from None  # not shed: it may be stored
        return Settled.SPOOLED

    async def close(self) -> None:
        """Stop the replay, disconnect, close the spool. Bounded, Kafka there or not."""
        if self._replaying is not None:
            self._replaying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._replaying
        await self._remote.close()
        await self._spool.close()
        await self._quarantine.close()

    @property
    def ready(self) -> bool:
        """Whether a batch would become durable: on Kafka, or in the spool."""
        return (self._remote.ready and not self._breaker_open) or self._spool.ready

    @property
    def trouble(self) -> str | None:
        """Why batches cannot be made durable, or go to the spool."""
        return self._spool.trouble or self._remote.trouble

    @property
    def breaker_open(self) -> bool:
        """Whether everything goes to the spool without trying Kafka."""
        return self._breaker_open

    def _open_breaker(self, reason: SinkError) -> None:
        if not self._breaker_open:
            self._breaker_open = True
            _log.warning("events go to the spool", extra={"fields": {"reason": str(reason)}})

    def _close_breaker(self) -> None:
        if self._breaker_open:
            self._breaker_open = False
            _log.info("events go to kafka again")

    # -- replay -----------------------------------------------------------------------------------

    async def _replay(self) -> None:
        while True:
            try:
                stored = await self._spool.read(_REPLAYED_TOGETHER)
            except Exception:  # a disk that cannot be read now may be later
                _log.exception("the spool cannot be read")
                await asyncio.sleep(self._probe)
                continue
            if stored:
                await self._bring_over_surely(stored)
            else:
                self._rest()
                await asyncio.sleep(self._look)

    def _rest(self) -> None:
        """Nothing waits: whether Kafka is connected decides."""
        self.oldest, self._alarmed = 0.0, False
        if self._remote.ready:
            self._close_breaker()

    async def _bring_over_surely(self, stored: Sequence[StoredBatch]) -> None:
        """A mistake of ours must not let go of what was read: it is tried again from the start."""
        while True:
            try:
                return await self._bring_over(stored)
            except Exception:
                _log.exception("replaying failed")
                await asyncio.sleep(self._probe)

    async def _bring_over(self, stored: Sequence[StoredBatch]) -> None:
        """Try until all of it is on Kafka or in quarantine."""
        waiting = self._regrouped(stored)
        total = sum(len(batch.records) for batch in waiting)
        quarantined = 0
        while True:
            self._look_at_age(stored[0].received)
            if any(self._partition(b.records[0].key) != b.partition for b in waiting):
                waiting = self._regrouped(waiting)  # Kafka has come, with other partitions
            left, refused = await self._once(waiting)
            quarantined += refused
            if not left:
                break
            # Halves, and what is left beside something that went through, are tried at once.
            await asyncio.sleep(self._probe if len(left) == len(waiting) else self._look)
            waiting = left
        self._spool.release(total - quarantined, quarantined)
        self._close_breaker()

    def _regrouped(self, stored: Iterable[StoredBatch | Batch]) -> list[Batch]:
        """Batches by partition, of which there may be more now than when they were spooled.

        None is larger than a live one may be: Kafka would refuse it whole.
        """
        made: list[Batch] = []
        filling: dict[int, Batch] = {}
        for record in (record for batch in stored for record in batch.records):
            partition = self._partition(record.key)
            batch = filling.get(partition)
            if batch is None or batch.size + record.size > self._limit:
                batch = filling[partition] = _batch(partition, ())
                made.append(batch)
            batch.add(record, nobody)
        return made

    async def _once(self, batches: Sequence[Batch]) -> tuple[list[Batch], int]:
        """Try each once; return what still waits, and how many records went to the quarantine."""
        if not self._remote.ready:
            return list(batches), 0
        done = await asyncio.gather(*(self._send(batch) for batch in batches))
        left = [batch for rest, _ in done for batch in rest]
        return left, sum(refused for _, refused in done)

    async def _send(self, batch: Batch) -> tuple[list[Batch], int]:
        """Send one batch. A refused one is halved, down to the record that Kafka will not have."""
        try:
            await self._remote.write(batch)
        except RecordRefused as error:
            if len(batch.records) == 1:
                return await self._put_aside(batch, error)
            middle = len(batch.records) // 2
            halves = (batch.records[:middle], batch.records[middle:])
            return [_batch(batch.partition, half) for half in halves], 0
        except SinkTimeout as error:
            self._open_breaker(error)
            return [batch], 0
        except SinkError:
            return [batch], 0
        self._close_breaker()  # also where others still wait: live batches need not
        return [], 0

    async def _put_aside(self, batch: Batch, why: SinkError) -> tuple[list[Batch], int]:
        record = batch.records[0]
        value = b'{"reason":"%b","event":%b}' % (str(why).encode(), record.value)
        aside = _batch(0, [Record(record.key, value, record.timestamp)])
        try:
            await self._quarantine.write(aside)
        except SinkError as error:
            _log.error("the quarantine is full", extra={"fields": {"reason": str(error)}})
            return [batch], 0
        fields = {"reason": str(why), "bytes": len(record.value)}
        _log.error("a record was refused by kafka, and put aside", extra={"fields": fields})
        return [], 1

    def _look_at_age(self, received: int) -> None:
        self.oldest = max(self._clock() - received, 0) / 1000
        if self.oldest > self._alarm_age and not self._alarmed:
            self._alarmed = True
            fields = {"seconds": round(self.oldest), "events": self._spool.counts.waiting}
            _log.error("events wait long in the spool", extra={"fields": fields})


def _batch(partition: int, records: Iterable[Record]) -> Batch:
    """A batch that nobody waits for. Its id names nothing: it is not stored again."""
    batch = Batch(bytes(16), partition, 0.0)
    for record in records:
        batch.add(record, nobody)
    return batch
