"""Accumulator, delivery and spool against every order of faults that Hypothesis finds.

With a remote in memory. What was confirmed is on the remote, in quarantine, or expired; what a
partition takes without refusing any comes in the order in which it was spooled; and the ledger's
equations hold after each step.
"""

import asyncio
import errno
import itertools
import shutil
import tempfile
from collections import defaultdict
from functools import partial
from pathlib import Path
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ingest.config import Delivery as DeliveryConfig
from ingest.config import Spool as SpoolConfig
from ingest.config import Store as StoreConfig
from ingest.log.accumulator import Accumulator
from ingest.log.batch import Batch, Batching, Record, Settled
from ingest.log.delivery import Delivery
from ingest.log.reader import Reader
from ingest.log.sink import RecordRefused, SinkTimeout, SinkUnavailable
from ingest.log.spool import Spool
from ingest.log.store import Store
from tests.support.forgetful_files import ForgetfulFiles
from tests.support.memory_sink import MemorySink
from tests.support.stored import HOUR, NOON, Clock

MOST_PARTITIONS = 3
KEYS = 6
CONFIG = SpoolConfig(max_bytes=6_000, min_free=0, segment_bytes=4_096)
WAITING = DeliveryConfig(linger_min=0, linger_max=0)
PROBE = 0.005
TWENTY_DAYS = 20 * 24 * HOUR
REFUSED = b'{"reason":"too large","event":'
partitions = st.integers(0, MOST_PARTITIONS - 1)


class Remote(MemorySink):
    """Kafka as the model has it: takes, refuses, is late, or is away."""

    trouble: str | None = None
    arrives_late = False
    """Keeps the batch and says that it did not."""
    partitions = MOST_PARTITIONS
    reachable = True

    def __init__(self) -> None:
        super().__init__()
        self.stalled: set[int] = set()
        """Partitions that take nothing."""

    async def write(self, batch: Batch) -> Settled:
        if not self.reachable:
            raise SinkUnavailable("our power is gone")
        if batch.partition >= self.partitions:
            raise SinkUnavailable("no such partition")
        if any(record.value.startswith(b"bad") for record in batch.records):
            raise RecordRefused("too large")
        if batch.partition in self.stalled:
            raise SinkTimeout("no leader")
        if self.arrives_late:
            self.arrives_late = False
            self.records += batch.records
            raise SinkTimeout("late")
        return await super().write(batch)

    @property
    def well(self) -> bool:
        """Whether it takes whatever it does not refuse."""
        return self.error is None and not self.stalled

    @property
    def values(self) -> list[bytes]:
        return [record.value for record in self.records]


class DeliveryModel(RuleBasedStateMachine):
    """One collector's way to Kafka over many lives."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = Path(tempfile.mkdtemp())  # for the locks; the files are ours
        self.files = ForgetfulFiles(capacity=20_000)
        self.quarantine_files = ForgetfulFiles()
        self.clock = Clock()
        self.numbers = itertools.count(1)
        self.random = Random(0)
        self.remote = Remote()
        self.key: dict[bytes, int] = {}
        """Of all values that were ever appended."""
        self.confirmed: set[bytes] = set()
        self.spooled: list[bytes] = []
        """Since the spool was last empty."""
        self.numbers_of_partitions: set[int] = set()
        """That there were since."""
        self.too_old: set[bytes] = set()
        """Not on the remote when they came of age."""
        self.expired = 0
        """Events, in lives that are over."""
        self._start()

    def _run(self, coroutine):
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, 20))

    def _until(self, condition) -> None:
        async def wait() -> None:
            while not condition():
                await asyncio.sleep(0.001)

        self._run(wait())

    def _start(self) -> None:
        for name in ("spool", "quarantine"):
            (self.directory / name).mkdir(exist_ok=True)
        self.spool = Spool(self.directory / "spool", CONFIG, self.clock.machine(self.files))
        aside = Store(
            self.directory / "quarantine",
            StoreConfig(min_free=0),
            machine=self.clock.machine(self.quarantine_files),
        )
        batching = Batching(
            lambda: 200_000,
            lambda key: key[0] % self.remote.partitions,
            lambda: self.remote.partitions,
        )
        self.delivery = Delivery(
            self.remote, self.spool, aside, batching, lambda: self.clock.now, CONFIG, PROBE
        )
        self.accumulator = Accumulator(self.delivery, WAITING, batching, self.random.randbytes)
        self.parsed = 0
        self._run(self.accumulator.start())

    def _end(self) -> None:
        self._settled()
        self._run(self.accumulator.close())
        self.ledger_holds()
        self.expired += self.spool.counts.expired

    def _power(self, on: bool) -> None:
        self.files.powered = self.quarantine_files.powered = self.remote.reachable = on

    # -- pings ------------------------------------------------------------------------------------

    @rule(records=st.integers(1, 3), bad=st.booleans(), key=st.integers(0, KEYS - 1))
    def append(self, records: int, bad: bool, key: int) -> None:
        self.take(records, bad, key)
        self._settled()

    @rule(records=st.integers(1, 3), bad=st.booleans(), key=st.integers(0, KEYS - 1))
    def take(self, records: int, bad: bool, key: int) -> None:
        """Its batch is under way when the next thing happens."""
        for index in range(records):
            value = b"%d " % next(self.numbers) + self.random.randbytes(300)
            if bad and index == 0:
                value = b"bad" + value
            self.key[value] = key
            self.parsed += 1
            record = Record(bytes([key]), value, NOON)
            self.accumulator.append(record, partial(self._heard, value))

    def _heard(self, value: bytes, how: Settled) -> None:
        if not self.files.powered:
            return  # there is nobody to tell, and nobody who would
        if how in (Settled.DIRECT, Settled.SPOOLED):
            self.confirmed.add(value)
        if how is Settled.SPOOLED:
            self.spooled.append(value)
            self.numbers_of_partitions.add(self.remote.partitions)
            # Not at all times: power may be lost before a file's deletion reaches the disk.
            assert self.spool.counts.bytes <= CONFIG.max_bytes + 200

    def _settled(self) -> None:
        self.accumulator.flush()
        self._until(lambda: not self.accumulator.events_in_flight)

    # -- Kafka ------------------------------------------------------------------------------------

    @rule(late=st.booleans())
    def kafka_goes(self, late: bool) -> None:
        self.remote.arrives_late = late
        self.remote.error = None if late else SinkUnavailable("away")

    @rule()
    def kafka_comes(self) -> None:
        self.remote.error = None

    @rule(count=st.integers(1, 4), late=st.booleans())
    def an_outage(self, count: int, late: bool) -> None:
        """Kafka goes, pings come, Kafka comes; its first acknowledgement may be late."""
        self.kafka_goes(False)
        for number in range(count):
            self.append(2, False, number)
        self.kafka_comes()
        self.remote.stalled.clear()
        self.remote.arrives_late = late
        self.drained()

    @rule(partition=partitions)
    def a_partition_stalls(self, partition: int) -> None:
        self.remote.stalled.add(partition)

    @rule(partition=partitions)
    def a_partition_comes(self, partition: int) -> None:
        self.remote.stalled.discard(partition)

    @rule(count=st.integers(1, MOST_PARTITIONS))
    def the_topic_has_another_number_of_partitions(self, count: int) -> None:
        self.remote.partitions = count
        self.numbers_of_partitions.add(count)

    # -- the machine ------------------------------------------------------------------------------

    @rule(milliseconds=st.sampled_from([1, 1_000, 60_000]))
    def time_goes_by(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)

    @rule()
    def the_clock_is_set_back(self) -> None:
        """By less than a day in all: what is 20 days old then is so all the same."""
        self.clock.now -= HOUR

    @rule()
    def twenty_days_go_by(self) -> None:
        self._settled()
        self.too_old |= self.key.keys() - set(self.remote.values)
        self.clock.advance(TWENTY_DAYS)
        self._until(lambda: self.spool.counts.waiting == 0)
        self.too_old -= set(self.remote.values)  # it may have been under way
        self._begin_anew()

    @rule(call=st.sampled_from(["read_at", "open"]))
    def a_read_fails(self, call: str) -> None:
        # No precondition: it hangs on threads, and Hypothesis must draw the same each time.
        if not self.files.failing and not self.spool._failures:
            self.files.failing[call] = errno.EIO

    @rule()
    def the_quarantine_fills_up(self) -> None:
        self.quarantine_files.capacity = 0

    @rule()
    def the_quarantine_has_room_again(self) -> None:
        self.quarantine_files.capacity = 1 << 40
        self.clock.advance(1_000)  # as long as it refuses after a failure

    @rule()
    def restart(self) -> None:
        self.files.failing.clear()  # a start that cannot read is another story
        self._end()
        self._start()

    @rule(count=st.integers(1, 3), key=st.integers(0, KEYS - 1))
    def a_stop_while_kafka_does_not_answer(self, count: int, key: int) -> None:
        """What is under way at its end goes to the spool."""

        async def stop() -> None:
            self.accumulator.flush()
            await asyncio.sleep(0.001)
            self.delivery.give_up()
            await self.accumulator.drain(20)

        self.remote.open.clear()
        self.take(count, False, key)
        self._run(stop())
        assert not self.accumulator.events_in_flight
        self.restart()
        self.remote.open.set()

    @rule(seed=st.integers(0, 1 << 30), emptied=st.booleans())
    def crash(self, seed: int, emptied: bool) -> None:
        """Power is lost in the middle: nothing is closed, and what was not synced is forgotten.

        `emptied`: just after the spool let go of all that went elsewhere.
        """
        if emptied and self.remote.well:
            self.drained()
            self._until(lambda: self.spool.counts.bytes == 0)
        self._power(False)
        note = self.directory / "spool" / "replayed"  # not of our files
        noted = note.read_bytes() if note.exists() else None
        self.expired += self.spool.counts.expired
        self._run(self.accumulator.close())  # its threads are to end; they get nothing done
        note.unlink(missing_ok=True)
        if noted is not None:
            note.write_bytes(noted)
        random = Random(seed)
        self.files.crash(random)
        self.quarantine_files.crash(random)
        self._power(True)
        self._start()

    # -- what holds -------------------------------------------------------------------------------

    @precondition(lambda self: self.remote.well)
    @rule()
    def drained(self) -> None:
        """All that may go has gone, and in order."""
        self._settled()
        self.the_quarantine_has_room_again()
        self._until(lambda: self.spool.counts.waiting == 0)
        missing = self.confirmed - set(self.remote.values) - self._put_aside()
        assert missing <= self.too_old
        good = [value for value in missing if not value.startswith(b"bad")]  # else of quarantine
        assert len(good) <= self.expired + self.spool.counts.expired
        self._check_order()
        self._begin_anew()

    @precondition(lambda self: self.remote.error is None)
    @rule()
    def other_partitions_are_held_up_by_none(self) -> None:
        self._settled()
        good = [value for value in self.spooled if not value.startswith(b"bad")]
        going = {v for v in good if self._partition(v) not in self.remote.stalled}
        self._until(lambda: going <= set(self.remote.values))

    def _begin_anew(self) -> None:
        self.spooled.clear()
        self.numbers_of_partitions = {self.remote.partitions}

    def _partition(self, value: bytes) -> int:
        return self.key[value] % self.remote.partitions

    def _put_aside(self) -> set[bytes]:
        """Values in quarantine, as they were appended."""
        with Reader(self.directory / "quarantine", files=self.quarantine_files) as reader:
            records = [record for batch in reader.batches() for record in batch.records]
        assert all(record.value.startswith(REFUSED) for record in records)
        return {record.value[len(REFUSED) : -1] for record in records}

    def _check_order(self) -> None:
        """Of each key by itself, its last arrival each: the first may have been a late one.

        A refused record has its partition's batches halved, and some of them overtake others.
        """
        place = {value: number for number, value in enumerate(self.spooled)}
        arrived = dict.fromkeys(value for value in reversed(self.remote.values) if value in place)
        of_key: defaultdict[int, list[int]] = defaultdict(list)
        for value in reversed(arrived):
            of_key[self.key[value]].append(place[value])
        refused = {self.key[value] for value in self.spooled if value.startswith(b"bad")}
        for key, places in of_key.items():
            shared = (
                key % count == other % count
                for count in self.numbers_of_partitions
                for other in refused
            )
            assert places == sorted(places) or any(shared)

    @invariant()
    def ledger_holds(self) -> None:
        gathered, spool = self.accumulator.counts, self.spool.counts
        assert self.parsed == (
            gathered.direct
            + gathered.spooled
            + gathered.shed
            + gathered.failed
            + self.accumulator.events_in_flight
        )
        assert gathered.spooled <= spool.spooled  # one whose sender was given up is in it too
        assert spool.waiting >= 0
        assert spool.waiting_at_start + spool.spooled == (
            spool.replayed + spool.quarantined + spool.waiting
        )

    @invariant()
    def bytes_are_given_back(self) -> None:
        assert bool(self.accumulator.bytes_in_flight) == bool(self.accumulator.events_in_flight)

    @invariant()
    def no_disk_failed_for_good_so_nothing_is_lost(self) -> None:
        assert self.spool.counts.lost == 0

    @invariant()
    def nothing_comes_from_nowhere_or_after_its_time(self) -> None:
        assert set(self.remote.values) <= self.key.keys() - self.too_old

    def teardown(self) -> None:
        try:
            self.remote.stalled.clear()
            self.kafka_comes()
            self.drained()
            self._end()
        finally:
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            shutil.rmtree(self.directory)


TestDeliveryModel = DeliveryModel.TestCase
TestDeliveryModel.settings = settings(max_examples=120, stateful_step_count=20)
