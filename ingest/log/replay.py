"""Brings the spool over to Kafka, oldest first, in the background.

What a partition does not take, and what the quarantine has no room for, stays behind and is tried
again after a pause; everything else goes on past it. Its batches are also the breaker's probes.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from ingest.log.batch import Batching
from ingest.log.breaker import Breaker
from ingest.log.passage import Parcel, Passage, by_segment
from ingest.log.quarantine import Refused, aside
from ingest.log.reader import StoredBatch
from ingest.log.sink import RecordRefused, Sink, SinkError
from ingest.log.spool import Spool

_LOOK = 0.1
"""Seconds between looks while there is nothing to do."""
_TOGETHER = 1024 * 1024
"""Bytes of records under way at most, however large the budget."""
_MOST_BEHIND = 50_000
"""Batches, or refused records, that may stay behind before the replay waits: bounds memory."""
_SAY_EVERY = 10.0
"""Seconds between lines about refused records: a clock that is wrong has all of them refused."""
_ALL = 1 << 62
_QUARANTINE = -1
_log = logging.getLogger(__name__)

Heads = dict[int, Passage]
"""The oldest passage with something for a partition, by the partition's number."""


class Replay:
    """One task. On the event loop only."""

    def __init__(
        self,
        remote: Sink,
        spool: Spool,
        quarantine: Sink,
        batching: Batching,
        breaker: Breaker,
        pause: float,
        budget: int,
    ) -> None:
        """`pause`: seconds at most between tries of what does not go through.

        `budget`: bytes of live events that may wait; the replay has half as many under way at most.
        """
        self._together = min(_TOGETHER, budget // 2)
        self._remote = remote
        self._spool = spool
        self._quarantine = quarantine
        self._batching = batching
        self._breaker = breaker
        self._pause = pause
        self._look = min(_LOOK, pause)
        self._clock = asyncio.get_running_loop().time
        self._aside = Breaker(self._clock, self._look, pause)
        self._probes_from = 0.0
        """By the loop's time: until then only partitions that take batches are given any."""
        self._unsaid = 0
        self._say_from = 0.0
        self._behind: list[Passage] = []
        self._partitions = 0
        self._read_to = spool.released

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                worked = await self._step()
            except Exception:  # a disk that cannot be read now may be later; so may a mistake end
                _log.exception("replaying failed")
                await asyncio.sleep(self._pause)
                continue
            if not worked:
                await asyncio.sleep(self._look)

    @property
    def oldest(self) -> int | None:
        """About when the oldest event that waits was received; None when none waits."""
        waiting = (passage.received for passage in self._behind if not passage.done)
        return next(waiting, self._spool.oldest)

    async def _step(self) -> bool:
        """Do what is due; whether there may be more."""
        if not self._remote.ready:
            return False
        if self._batching.partitions() != self._partitions:
            self._repartitioned()
        began = self._clock()
        probing = began >= self._probes_from
        heads = self._heads()
        passage = self._next(heads, probing)
        if passage is not None:
            await self._try_again(passage, self._may_go(heads, passage, probing))
        elif self._may_read_on(heads):
            await self._read_on(self._may_go(heads, None, probing))
        else:
            self._close_breaker(heads)
            return False
        if probing:  # one that is in vain lasts as long as the deadline: the others have as long
            self._probes_from = 2 * self._clock() - began
        return True

    def _repartitioned(self) -> None:
        """What waits may belong elsewhere now: all of it is looked at again."""
        self._partitions = self._batching.partitions()
        for passage in self._behind:
            passage.partitions = set(range(self._partitions))

    def _heads(self) -> Heads:
        heads: Heads = {}
        for passage in self._behind:
            for number in passage.partitions:
                heads.setdefault(number, passage)
        return heads

    def _next(self, heads: Heads, probing: bool) -> Passage | None:
        """The passage with the probe that is due longest, or the oldest with what needs none."""
        if probing:
            due = filter(self._breaker.may_try, filter(self._breaker.is_open, heads))
            probe = min(due, key=self._breaker.due, default=None)
            if probe is not None:
                return heads[probe]
        putting_aside = self._aside.may_try(_QUARANTINE)
        closed = (heads[number] for number in heads if not self._breaker.is_open(number))
        going = set(map(id, closed))
        return next(
            (p for p in self._behind if id(p) in going or (p.refused and putting_aside)), None
        )

    def _may_go(
        self, heads: Heads, passage: Passage | None, probing: bool
    ) -> Callable[[int], bool]:
        """Which partitions a passage, or what is read next, may be tried for: oldest first."""

        def may_go(partition: int) -> bool:
            if heads.get(partition, passage) is not passage:
                return False
            if self._breaker.is_open(partition):
                return probing and self._breaker.may_try(partition)
            return True

        return may_go

    def _may_read_on(self, heads: Heads) -> bool:
        """Not while every partition has its probe and takes nothing: only places would gather."""
        if self._spool.read_to_end(self._read_to):
            return False
        if sum(passage.batches for passage in self._behind) >= _MOST_BEHIND:
            return False
        if sum(len(passage.refused) for passage in self._behind) >= _MOST_BEHIND:
            return False  # one batch may hold thousands of them
        stuck = sum(map(self._breaker.is_open, heads))
        return stuck < self._partitions or not self._behind

    async def _read_on(self, may_go: Callable[[int], bool]) -> None:
        read = await self._spool.read(self._read_to, self._together)
        self._read_to = read.end
        if read.batches:
            passage = Passage(read.batches)
            self._behind.append(passage)
            await self._bring_over(passage, read.batches, may_go)
            self._join_last()
        self._release()

    def _join_last(self) -> None:
        """Have few passages, also where batches come one by one: each step looks at all of them."""
        if len(self._behind) > 1:
            before, last = self._behind[-2:]
            if before.end == last.start and before.size + last.size <= self._together:
                before.join(last)
                self._behind.pop()

    async def _try_again(self, passage: Passage, may_go: Callable[[int], bool]) -> None:
        read = await self._spool.read(passage.start, _ALL, passage.end)
        if read.end >= passage.end:
            passage.keep(read.batches)
        await self._bring_over(passage, read.batches, may_go)
        self._release()

    def _release(self) -> None:
        self._behind = [passage for passage in self._behind if not passage.done]
        self._spool.release(self._behind[0].start if self._behind else self._read_to)

    async def _bring_over(
        self,
        passage: Passage,
        batches: Sequence[StoredBatch],
        may_go: Callable[[int], bool],
    ) -> None:
        """Try once what may be tried."""
        try:
            parcels = passage.parcels(batches, self._batching.partition, self._batching.limit())
            trying = [p for p in parcels if may_go(p.batch.partition)]
            await asyncio.gather(*(self._carry(passage, parcel) for parcel in trying))
            if passage.refused and self._aside.may_try(_QUARANTINE):
                await self._put_aside(passage, batches)
        finally:
            passage.look(batches, self._batching.partition)

    async def _carry(self, passage: Passage, parcel: Parcel) -> None:
        partition = parcel.batch.partition
        try:
            await self._remote.write(parcel.batch)
        except RecordRefused as error:
            if len(parcel.places) == 1:
                passage.refused[parcel.places[0]] = str(error)
            else:
                passage.smaller(partition, len(parcel.places))
        except SinkError as error:
            self.trip(partition, error)
        except Exception:  # a mistake of ours must not let go of what was read
            _log.exception("replaying a batch failed")
            self.trip(partition, SinkError("a mistake in the collector"))
        else:
            for place in parcel.places:
                passage.settle(place)
            for sequence, events in by_segment(parcel.places).items():
                self._spool.settle(sequence, events, 0)
            if self._breaker.close(partition):
                _log.info("events go to kafka again")

    def trip(self, partition: int, reason: SinkError) -> None:
        """A partition did not take a batch: live ones do not try it for a while."""
        if self._breaker.trip(partition):
            fields = {"reason": str(reason), "partition": partition}
            _log.warning("events go to the spool", extra={"fields": fields})

    def _close_breaker(self, heads: Heads) -> None:
        """Where nothing waits that could be a probe, live batches may be."""
        if self._breaker.close_due(heads):
            _log.info("events go to kafka again")

    async def _put_aside(self, passage: Passage, batches: Sequence[StoredBatch]) -> None:
        received = {batch.start: batch.received for batch in batches}
        for place, record in list(passage.waiting(batches)):
            reason = passage.refused.get(place)
            if reason is None:
                continue
            try:
                await self._quarantine.write(aside(Refused(record, reason), received[place.batch]))
            except SinkError as error:
                if self._aside.trip(_QUARANTINE):
                    fields = {"reason": str(error)}
                    _log.error("refused records cannot be put aside", extra={"fields": fields})
                return
            self._aside.close(_QUARANTINE)
            passage.settle(place)
            self._spool.settle(place.batch.sequence, 0, 1)
            self._say_put_aside(reason, len(record.value))

    def _say_put_aside(self, reason: str, length: int) -> None:
        self._unsaid += 1
        now = self._clock()
        if now >= self._say_from:
            said = {"reason": reason, "bytes": length, "records": self._unsaid}
            _log.error("a record was refused by kafka, and put aside", extra={"fields": said})
            self._unsaid, self._say_from = 0, now + _SAY_EVERY
