"""Kafka first, the spool when Kafka does not take a batch, and back from there to Kafka.

One missed deadline opens the breaker of its partition: the next batches of it go to the spool
without trying, so that a ping's worst answer time is one deadline and one sync. What waits there is
replayed oldest first, and is the probe.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, cast

from ingest.config import Delivery as DeliveryConfig
from ingest.config import Spool as SpoolConfig
from ingest.log.batch import Batch, Batching, Settled
from ingest.log.breaker import Breaker
from ingest.log.replay import Replay
from ingest.log.sink import RecordRefused, Sink, SinkError, SinkTimeout, SinkUnavailable
from ingest.log.spool import Spool

_FIRST_PAUSE = 0.1
_PROBE = 1.0
"""Seconds between probes at first, and at most, while a partition takes nothing."""
_WATCH = 0.5
"""Seconds between looks at how long events have waited."""
_log = logging.getLogger(__name__)

Work = Callable[[], Coroutine[Any, Any, None]]


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
        budget: int = DeliveryConfig().max_waiting,
    ) -> None:
        """`clock` returns epoch milliseconds; `probe` is in seconds.

        `budget`: bytes of events under way, `delivery.max_waiting`; the replay keeps to half of it.
        """
        self._budget = budget
        self._probe = probe
        self._remote = remote
        self._spool = spool
        self._quarantine = quarantine
        self._batching = batching
        self._clock = clock
        self._alarm_age = config.alarm_age
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # A dict, not a set: given up, they go to the spool in the order in which they came.
        self._trying: dict[asyncio.Task[Any], None] = {}
        self._given_up = self._stopped = self._closing = False
        self.oldest = 0.0
        """Seconds that the oldest event has waited in the spool; 0 when none does."""

    async def start(self) -> None:
        """Open the spool, begin to connect and to replay. Raises `SinkError` or `OSError`."""
        await self._spool.start()
        await self._quarantine.start()
        await self._remote.start()
        self._loop = asyncio.get_running_loop()
        self._breaker = Breaker(self._loop.time, min(_FIRST_PAUSE, self._probe), self._probe)
        self._replay = Replay(
            self._remote,
            self._spool,
            self._quarantine,
            self._batching,
            self._breaker,
            self._probe,
            self._budget,
        )
        self._keep_going(self._replay.run, "replay")
        self._keep_going(self._watch, "spool's age")

    async def write(self, batch: Batch) -> Settled:
        """Return once the batch is durable, and where. Raises `SinkError` when it is not."""
        unknown = None
        if self._may_go_direct(batch.partition):
            try:
                return await self._direct(batch)
            except RecordRefused:
                pass  # found by the replay; its neighbours' senders wait no longer
            except SinkError as error:
                self._replay.trip(batch.partition, error)
                if not isinstance(error, SinkUnavailable):
                    unknown = error
            except Exception:  # a mistake of ours, or the client's, is no reason to confirm nothing
                _log.exception("writing a batch to kafka failed")
                unknown = SinkError("a mistake in the collector")
                self._replay.trip(batch.partition, unknown)
        try:
            await self._spool.append(batch)
        except SinkError as error:
            if unknown is None:
                raise
            raise SinkError(f"{unknown}; then {error}") from None  # not shed: it may be stored
        return Settled.SPOOLED

    def give_up(self) -> None:
        """Have what is under way to Kafka go to the spool now, and all that comes yet.

        For an orderly stop: `delivery.timeout` may be longer than the process is given.
        """
        if not self._given_up:
            self._given_up = True
            # Two steps later: what has its answer hears of it first, by its link and by its task.
            self._loop.call_soon(self._loop.call_soon, self._stop_trying)

    async def close(self) -> None:
        """Stop the replay, disconnect, close the spool. Bounded, Kafka there or not."""
        self._closing = True
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        await self._remote.close()
        await self._spool.close()
        await self._quarantine.close()

    @property
    def ready(self) -> bool:
        """Whether a batch would become durable: on Kafka, or in the spool."""
        return (self._remote.ready and not self._breaker) or self._spool.ready

    @property
    def trouble(self) -> str | None:
        """Why batches cannot be made durable, or go to the spool."""
        return self._spool.trouble or self._remote.trouble

    @property
    def breakers_open(self) -> int:
        """Partitions whose batches go to the spool without trying Kafka."""
        return len(self._breaker) if self._remote.ready else self._batching.partitions()

    def _may_go_direct(self, partition: int) -> bool:
        return self._remote.ready and not self._given_up and not self._breaker.is_open(partition)

    async def _direct(self, batch: Batch) -> Settled:
        # By hand: an `asyncio.timeout` that never ends costs 2 µs a batch.
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        cancelled = task.cancelling()
        self._trying[task] = None
        try:
            return await self._remote.write(batch)
        except asyncio.CancelledError:
            if not self._stopped or task.uncancel() > cancelled:
                raise
            raise SinkTimeout("given up, for the collector stops") from None
        finally:
            del self._trying[task]

    def _stop_trying(self) -> None:
        self._stopped = True
        for task in self._trying:
            task.cancel()

    def _keep_going(self, work: Work, name: str) -> None:
        if not self._closing:
            task = self._tasks[name] = self._loop.create_task(work(), name=name)
            task.add_done_callback(partial(self._ended, work, name))

    def _ended(self, work: Work, name: str, task: asyncio.Task[None]) -> None:
        """Begin it anew: else what waits would wait for the next start, and nobody be told."""
        if not self._closing:
            error = None if task.cancelled() else task.exception()
            fields = {"task": name}
            _log.error("a task ended, and is begun anew", exc_info=error, extra={"fields": fields})
            self._loop.call_later(self._probe, self._keep_going, work, name)

    async def _watch(self) -> None:
        """Say once, in the log, that events wait for long."""
        alarmed = False
        while True:
            oldest = self._replay.oldest
            self.oldest = 0.0 if oldest is None else max(self._clock() - oldest, 0) / 1000
            if self.oldest > self._alarm_age and not alarmed:
                fields = {"seconds": round(self.oldest), "events": self._spool.counts.waiting}
                _log.error("events wait long in the spool", extra={"fields": fields})
            alarmed = self.oldest > self._alarm_age
            await asyncio.sleep(min(_WATCH, self._probe))
