"""Gathers records into batches, one open batch a partition, and sees each through its sink."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.config import Delivery
from ingest.log.batch import Batch, Batching, Record, Settled, Waiter, nobody
from ingest.log.histogram import Histogram
from ingest.log.linger import Linger
from ingest.log.sink import Sink, SinkError, SinkFull, SinkUnavailable

_log = logging.getLogger(__name__)
_HOLD = 1 / 4
"""Part of `delivery.timeout` that a batch is held at most for the one before it."""
_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


@dataclass(slots=True)
class DeliveryCounts:
    """Plain integers for metrics: events by how their wait ended, and batches."""

    direct: int = 0
    spooled: int = 0
    shed: int = 0
    failed: int = 0
    batches: int = 0
    batch_events: Histogram = field(default_factory=lambda: Histogram(_EVENTS))
    batch_seconds: Histogram = field(default_factory=lambda: Histogram(_SECONDS))
    """From a batch's first event to its end."""

    def settled(self, how: Settled, events: int) -> None:
        """Count events whose wait ended."""
        if how is Settled.DIRECT:
            self.direct += events
        elif how is Settled.SPOOLED:
            self.spooled += events
        elif how is Settled.SHED:
            self.shed += events
        else:
            self.failed += events


class Accumulator:
    """Between the collector and a sink. On the event loop only; bounded in bytes."""

    def __init__(
        self,
        sink: Sink,
        delivery: Delivery,
        batching: Batching,
        entropy: Callable[[int], bytes],
    ) -> None:
        """`entropy` returns that many random bytes, for the names of batches."""
        self._sink = sink
        self._delivery = delivery
        self._batching = batching
        self._limit = 0
        self._partition = batching.partition
        self._most = delivery.max_waiting
        self._entropy = entropy
        self._open: dict[int, Batch] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._writes: set[asyncio.Task[None]] = set()
        self._hold = delivery.timeout * _HOLD
        self._moment = delivery.linger_min
        self._busy: dict[int, int] = {}
        self._ripe: set[int] = set()
        self._bytes = 0
        self.counts = DeliveryCounts()
        self.events_in_flight = 0
        """Events appended and not settled."""

    async def start(self) -> None:
        """Open the sink. Raises what that raises."""
        self._loop = asyncio.get_running_loop()
        self._linger = Linger(self._delivery, self._loop.time())
        await self._sink.start()

    @property
    def ready(self) -> bool:
        """Whether an event appended now would probably become durable."""
        return self._sink.ready and self._bytes < self._delivery.max_waiting

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of events appended and not settled, with what they cost beside their text."""
        return self._bytes

    def append(self, record: Record, waiter: Waiter) -> None:
        """Take one record; `waiter` is called when its batch is settled, or now without room."""
        size = record.size
        if not self._has_room(size):
            self.counts.shed += 1
            waiter(Settled.SHED)
            return
        partition = self._partition(record.key)
        batch = self._open.get(partition)
        if batch is not None and batch.size + size > self._limit:
            self._close(partition)
            batch = None
        if batch is None:
            batch = self._begin(partition)
        batch.add(record, waiter)
        self._bytes += size
        self.events_in_flight += 1
        self._linger.arrived()

    def offer(self, record: Record) -> bool:
        """Take one record that nobody waits for; False when there is no room."""
        if self._has_room(record.size):
            self.append(record, nobody)
            return True
        self.counts.shed += 1
        return False

    async def drain(self, timeout: float) -> None:
        """Send what is open and wait until all is settled, `timeout` seconds at most."""
        self.flush()
        if self._writes:
            await asyncio.wait(self._writes, timeout=timeout)

    def flush(self) -> None:
        """Send every open batch now."""
        for partition in list(self._open):
            self._close(partition)

    async def close(self) -> None:
        """Give up what is not settled, and close the sink."""
        self.flush()
        await asyncio.sleep(0)  # a task that is cancelled before its first step settles nothing
        for write in self._writes:
            write.cancel()
        if self._writes:
            await asyncio.wait(self._writes)
        await self._sink.close()

    def _has_room(self, size: int) -> bool:
        return self._bytes + size <= self._most

    def _begin(self, partition: int) -> Batch:
        now = self._loop.time()
        self._limit = self._batching.limit()  # once a batch, not once an event
        batch = self._open[partition] = Batch(self._entropy(16), partition, now)
        wait = self._linger.opened(now, self._batching.partitions())
        self._timers[partition] = self._loop.call_later(wait, self._lingered, partition)
        return batch

    def _lingered(self, partition: int) -> None:
        """Send it, unless the one before it is under way: then it gathers on for a while.

        Kafka takes one after the other, so that a queue would form where it is slower than we
        linger; and larger batches cost less.
        """
        now = self._loop.time()
        left = self._open[partition].opened + self._hold - now
        if partition in self._busy and left > 0:
            self._ripe.add(partition)
            self._timers[partition] = self._loop.call_at(now + left, self._close, partition)
        else:
            self._close(partition)
            self._take_along()

    def _take_along(self) -> None:
        """Send what else may be sent now: several batches in one request cost little more than one.

        So they come back together, too, and the next ones go together again.
        """
        for partition in [each for each in self._open if each not in self._busy]:
            self._close(partition)

    def _close(self, partition: int) -> None:
        self._timers.pop(partition).cancel()
        self._ripe.discard(partition)
        self._busy[partition] = self._busy.get(partition, 0) + 1
        write = self._loop.create_task(self._write(self._open.pop(partition)))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)

    async def _write(self, batch: Batch) -> None:
        how = Settled.FAILED
        try:
            how = await self._sink.write(batch)
        except (SinkFull, SinkUnavailable):
            how = Settled.SHED
        except SinkError as error:
            # Counted as failed; the sink itself reports when its other side comes and goes.
            _log.debug("batch not confirmed", extra={"fields": {"reason": str(error)}})
        except asyncio.CancelledError:
            pass  # given up by `close`: not confirmed, and said so
        except Exception:
            _log.exception("writing a batch failed")
        self._settle(batch, how)
        self._go_on(batch.partition)

    def _go_on(self, partition: int) -> None:
        """One batch less is under way: the one that was held goes once it has gathered a moment.

        Those who were just answered ask again, and what they send then goes with it.
        """
        self._busy[partition] -= 1
        if not self._busy[partition]:
            del self._busy[partition]
            if partition in self._ripe:
                self._ripe.discard(partition)
                self._timers[partition].cancel()
                latest = self._open[partition].opened + self._hold
                at = min(self._loop.time() + self._moment, latest)
                self._timers[partition] = self._loop.call_at(at, self._lingered, partition)

    def _settle(self, batch: Batch, how: Settled) -> None:
        events = len(batch.records)
        self._bytes -= batch.size
        self.events_in_flight -= events
        counts = self.counts
        counts.settled(how, events)
        counts.batches += 1
        counts.batch_events.observe(events)
        counts.batch_seconds.observe(self._loop.time() - batch.opened)
        batch.settle(how)
