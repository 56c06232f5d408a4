"""Spool and delivery against every order of faults that Hypothesis finds, with a sink in memory.

Confirmed batches are on the remote or on disk, are replayed in the order in which they were
spooled, bytes are accounted for, and the ledger holds after each step.
"""

import asyncio
import itertools
import shutil
import tempfile
from pathlib import Path
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ingest.config import Spool as SpoolConfig
from ingest.config import Store as StoreConfig
from ingest.log.batch import Batch, Batching, Record, Settled
from ingest.log.delivery import Delivery
from ingest.log.partition import one_partition
from ingest.log.sink import RecordRefused, SinkError, SinkTimeout, SinkUnavailable
from ingest.log.spool import Spool
from ingest.log.store import Store
from tests.support.forgetful_files import ForgetfulFiles
from tests.support.memory_sink import MemorySink
from tests.support.stored import Clock, batch
from tests.support.wait import until_async

ONE = Batching(200_000, one_partition, lambda: 1)
CONFIG = SpoolConfig(max_bytes=6_000, min_free=0, segment_bytes=4_096)
PROBE = 0.005


class Remote(MemorySink):
    """Kafka as the model has it: takes, refuses, is late, or is away."""

    trouble: str | None = None
    arrives_late = False
    """Keeps the batch and says that it did not."""

    async def write(self, batch: Batch) -> Settled:
        if any(record.value.startswith(b"bad") for record in batch.records):
            raise RecordRefused("too large")
        if self.arrives_late:
            self.arrives_late = False
            self.records += batch.records
            raise SinkTimeout("late")
        return await super().write(batch)


class DeliveryModel(RuleBasedStateMachine):
    """One collector's delivery over many lives."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = Path(tempfile.mkdtemp())  # for the locks; the files are ours
        self.files = ForgetfulFiles(capacity=20_000)
        self.quarantine_files = ForgetfulFiles()
        self.clock = Clock()
        self.numbers = itertools.count(1)
        self.remote = Remote()
        self.confirmed: list[bytes] = []
        self.unknown: set[bytes] = set()
        self.spooled: list[bytes] = []
        self.bad: set[bytes] = set()
        self._start()

    def _run(self, coroutine):
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, 20))

    def _start(self) -> None:
        for name in ("spool", "quarantine"):
            (self.directory / name).mkdir(exist_ok=True)
        self.spool = Spool(self.directory / "spool", CONFIG, self.clock.machine(self.files))
        aside = Store(
            self.directory / "quarantine",
            StoreConfig(min_free=0),
            machine=self.clock.machine(self.quarantine_files),
        )
        self.delivery = Delivery(
            self.remote, self.spool, aside, ONE, lambda: self.clock.now, CONFIG, PROBE
        )
        self._run(self.delivery.start())

    @rule(records=st.integers(1, 3), bad=st.booleans())
    def append(self, records: int, bad: bool) -> None:
        made = batch(next(self.numbers), records, 300)
        if bad:
            made.records[0] = Record(made.records[0].key, b"bad" + made.records[0].value, 0)
            self.bad.add(made.records[0].value)
        values = [record.value for record in made.records]
        try:
            how = self._run(self.delivery.write(made))
        except SinkError:
            self.unknown.update(values)
        else:
            self.confirmed += values
            if how is Settled.SPOOLED:
                self.spooled += values

    @rule(late=st.booleans())
    def kafka_goes(self, late: bool) -> None:
        self.remote.arrives_late = late
        self.remote.error = None if late else SinkUnavailable("away")

    @rule(count=st.integers(1, 4), late=st.booleans())
    def an_outage(self, count: int, late: bool) -> None:
        """Kafka goes, pings come, Kafka comes; its first acknowledgement may be late."""
        self.kafka_goes(False)
        for _ in range(count):
            self.append(2, False)
        self.remote.arrives_late = late
        self.kafka_comes()
        self.drained()

    @rule()
    def kafka_comes(self) -> None:
        self.remote.error = None

    @precondition(lambda self: self.remote.error is None)
    @rule()
    def drained(self) -> None:
        async def empty() -> None:
            await until_async(lambda: self.spool.counts.waiting == 0 and self.spool.empty)

        self._run(empty())
        kept = set(self._values())
        assert set(self.confirmed) - self.bad <= kept
        replayed = [value for value in self._values() if value in set(self.spooled)]
        firsts = list(dict.fromkeys(reversed(replayed)))[::-1]
        good = [value for value in self.spooled if value not in self.bad]
        assert sorted(firsts, key=good.index) == firsts or self.bad
        self.spooled.clear()

    @rule()
    def restart(self) -> None:
        self._run(self.delivery.close())
        self._start()

    @rule(seed=st.integers(0, 1 << 30))
    def crash(self, seed: int) -> None:
        """Power is lost: what was not synced is forgotten."""
        self.spool._work.segments.close = lambda: None  # no footer, no last sync
        self._run(self.delivery.close())
        self.files.crash(Random(seed))
        self._start()

    @rule(milliseconds=st.sampled_from([1, 1_000, 60_000]))
    def time_goes_by(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)

    def _values(self) -> list[bytes]:
        return [record.value for record in self.remote.records]

    @invariant()
    def the_ledger_holds(self) -> None:
        counts = self.spool.counts
        assert counts.waiting >= 0
        assert counts.waiting_at_start + counts.spooled == (
            counts.replayed + counts.quarantined + counts.waiting
        )

    @invariant()
    def nothing_comes_from_nowhere(self) -> None:
        assert set(self._values()) <= set(self.confirmed) | self.unknown

    @invariant()
    def bytes_are_bounded(self) -> None:
        assert self.spool.counts.bytes <= CONFIG.max_bytes + 200

    def teardown(self) -> None:
        self._run(self.delivery.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.directory)


TestDeliveryModel = DeliveryModel.TestCase
TestDeliveryModel.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
