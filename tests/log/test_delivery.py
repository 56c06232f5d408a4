"""Kafka first, the spool behind it, and back: with a remote in memory whose faults are ours."""

import asyncio
import errno
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ingest.config import Spool as SpoolConfig
from ingest.config import Store as StoreConfig
from ingest.log import replay
from ingest.log.batch import Batch, Batching, Record, Settled
from ingest.log.delivery import Delivery
from ingest.log.files import OsFiles
from ingest.log.machine import Machine
from ingest.log.partition import one_partition
from ingest.log.passage import Passage
from ingest.log.reader import Reader
from ingest.log.sink import (
    RecordRefused,
    SinkError,
    SinkFull,
    SinkTimeout,
    SinkUnavailable,
)
from ingest.log.spool import Spool
from ingest.log.store import Store
from tests.support.memory_sink import MemorySink
from tests.support.stored import HOUR, NOON, Clock, batch, batches
from tests.support.wait import until_async

ONE = Batching(lambda: 200_000, one_partition, lambda: 1)
CONFIG = SpoolConfig(min_free=0)


class Remote(MemorySink):
    """A Kafka that refuses values which say so."""

    trouble: str | None = None

    async def write(self, batch: Batch) -> Settled:
        if any(b"refuse me" in record.value for record in batch.records):
            raise RecordRefused("too large")
        return await super().write(batch)


class Rig:
    """A delivery and what stands around it."""

    def __init__(self, directory: Path, config: SpoolConfig, clock: int) -> None:
        self.directory = directory
        self.remote = Remote()
        self.spool = Spool(directory / "spool", config)
        quarantine = Store(directory / "quarantine", StoreConfig(min_free=0))
        self.delivery = Delivery(self.remote, self.spool, quarantine, ONE, lambda: clock, config)

    @property
    def taken(self) -> list[bytes]:
        return [record.value for record in self.remote.records]

    @property
    def files(self) -> list[Path]:
        found = (self.directory / "spool").glob("*.seg*")
        return [file for file in found if file.suffix != ".aside"]

    @property
    def held_up(self) -> int:
        """Batches that the replay went past."""
        return sum(passage.batches for passage in self.delivery._replay._behind)

    def check_ledger(self) -> None:
        counts = self.spool.counts
        assert counts.waiting_at_start + counts.spooled == (
            counts.replayed + counts.quarantined + counts.waiting
        )

    async def emptied(self) -> None:
        await until_async(lambda: self.spool.counts.waiting == 0 and not self.files)
        self.check_ledger()


@asynccontextmanager
async def rig(
    directory: Path, config: SpoolConfig = CONFIG, away: bool = False, clock: int = NOON
) -> AsyncIterator[Rig]:
    made = Rig(directory, config, clock)
    if away:
        made.remote.error = SinkUnavailable("away")
    await made.delivery.start()
    try:
        yield made
    finally:
        made.remote.open.set()
        await made.delivery.close()


def values(made: list[Batch]) -> list[bytes]:
    return [record.value for one in made for record in one.records]


async def test_a_batch_goes_to_kafka_while_kafka_takes_it(tmp_path):
    async with rig(tmp_path) as r:
        assert await r.delivery.write(batch(1)) is Settled.DIRECT
        assert r.files == []
        assert r.spool.counts.spooled == 0


@pytest.mark.parametrize("error", [SinkTimeout("late"), SinkUnavailable("away"), SinkError("?")])
async def test_a_batch_that_kafka_does_not_take_is_spooled_and_replayed(tmp_path, error):
    async with rig(tmp_path) as r:
        r.remote.open.clear()  # so that readiness is not what decides
        writing = asyncio.create_task(r.delivery.write(batch(1)))
        await asyncio.sleep(0)
        r.remote.error = error
        r.remote.open.set()
        assert await writing is Settled.SPOOLED
        assert r.delivery.breakers_open == 1
        assert r.spool.counts.waiting == 2
        r.remote.error = None
        await r.emptied()
        assert r.taken == values([batch(1)])
        assert not r.delivery.breakers_open


async def test_while_the_breaker_is_open_nothing_is_tried(tmp_path):
    async with rig(tmp_path, away=True) as r:
        for number in range(3):
            assert await r.delivery.write(batch(number)) is Settled.SPOOLED
        assert r.remote.batches == []
        assert r.delivery.ready


async def test_replay_is_oldest_first(tmp_path):
    async with rig(tmp_path, away=True) as r:
        made = batches(range(20))
        for one in made:
            await r.delivery.write(one)
        r.remote.error = None
        await r.emptied()
        assert r.taken == values(made)


async def test_replayed_batches_are_no_larger_than_live_ones(tmp_path):
    async with rig(tmp_path, away=True) as r:
        for one in batches(range(6), records=100, length=1_000):
            await r.delivery.write(one)
        r.remote.error = None
        await r.emptied()
        assert len(r.remote.batches) > 1
        assert max(one.size for one in r.remote.batches) <= ONE.limit()
        assert r.taken == values(batches(range(6), records=100, length=1_000))


async def test_what_waits_for_20_days_is_deleted_and_counted(tmp_path, caplog):
    clock = Clock()
    spool = Spool(tmp_path, CONFIG, clock.machine(OsFiles()))
    await spool.start()
    await spool.append(batch(1))
    clock.advance(20 * 24 * HOUR)
    await until_async(lambda: spool.counts.expired == 2)
    assert spool.counts.waiting == 0
    assert spool.counts.waiting_at_start == -2  # what was promised to privacy leaves the books
    assert caplog.messages.count("spool: deleted at 20 days, never on Kafka") == 1
    await spool.close()


async def test_a_mistake_of_ours_in_the_replay_loses_nothing(tmp_path, monkeypatch):
    async with rig(tmp_path, away=True) as r:
        await r.delivery.write(batch(1))
        with monkeypatch.context() as patch:
            patch.setattr(Passage, "parcels", None)
            r.remote.error = None
            await until_async(lambda: r.spool.counts.waiting == 2 and r.delivery._replay._behind)
        await r.emptied()
        assert r.taken == values([batch(1)])


async def test_the_replay_keeps_to_half_of_the_budget(tmp_path):
    """Small batches, so that many would fit together."""

    class Watched(Remote):
        under_way = most = 0

        async def write(self, batch: Batch) -> Settled:
            size = sum(len(record.key) + len(record.value) for record in batch.records)
            self.under_way += size
            self.most = max(self.most, self.under_way)
            try:
                await asyncio.sleep(0)  # the others of the same read come, too
                return await super().write(batch)
            finally:
                self.under_way -= size

    small, budget = Batching(lambda: 2_048, one_partition, lambda: 1), 65_536
    remote = Watched()
    remote.error = SinkUnavailable("away")
    quarantine = Store(tmp_path / "quarantine", StoreConfig(min_free=0))
    spool = Spool(tmp_path / "spool", CONFIG)
    delivery = Delivery(remote, spool, quarantine, small, lambda: NOON, CONFIG, 0.01, budget=budget)
    await delivery.start()
    for one in (made := batches(range(100), length=1_000)):
        await delivery.write(one)
    remote.error = None
    await until_async(lambda: spool.counts.waiting == 0)
    await delivery.close()
    a_batch = max(sum(len(r.key) + len(r.value) for r in one.records) for one in made)
    assert budget // 4 < remote.most < budget // 2 + a_batch


async def test_live_batches_go_direct_while_the_replay_goes_on(tmp_path):
    async with rig(tmp_path, away=True) as r:
        for one in batches(range(5), records=300, length=1_000):
            await r.delivery.write(one)
        r.remote.error = None
        await until_async(lambda: not r.delivery.breakers_open)
        assert await r.delivery.write(batch(9)) is Settled.DIRECT
        await r.emptied()


async def test_a_batch_late_and_spooled_may_appear_twice_and_is_never_lost(tmp_path):
    class Late(Remote):
        async def write(self, batch: Batch) -> Settled:
            await super().write(batch)
            if len(self.batches) == 1:
                raise SinkTimeout("acknowledged too late")
            return Settled.DIRECT

    r = Rig(tmp_path, CONFIG, NOON)
    r.delivery._remote = r.remote = Late()
    await r.delivery.start()
    assert await r.delivery.write(batch(1)) is Settled.SPOOLED
    await r.emptied()
    assert r.taken == 2 * values([batch(1)])
    await r.delivery.close()


async def test_what_waits_at_the_start_is_replayed(tmp_path):
    made = batches(range(4))
    async with rig(tmp_path, away=True) as r:
        for one in made:
            await r.delivery.write(one)
    async with rig(tmp_path) as r:
        assert r.spool.counts.waiting_at_start == 8
        await r.emptied()
        assert r.taken == values(made)
        assert r.spool.counts.replayed == 8


async def test_a_refused_record_is_put_aside_whole_and_its_neighbours_go_through(tmp_path):
    made = batch(1, records=7)
    made.records[3] = Record(b"site.example", b'{"title":"refuse me"}', NOON)
    async with rig(tmp_path) as r:
        assert await r.delivery.write(made) is Settled.SPOOLED
        await r.emptied()
        assert sorted(r.taken) == sorted(values([made])[:3] + values([made])[4:])
        assert (r.spool.counts.replayed, r.spool.counts.quarantined) == (6, 1)
    with Reader(tmp_path / "quarantine") as reader:
        (aside,) = reader.batches()
    assert aside.records == (
        Record(b"site.example", b'{"reason":"too large","event":{"title":"refuse me"}}', NOON),
    )


async def test_a_full_spool_says_so_and_works_again_once_it_is_emptied(tmp_path):
    config = SpoolConfig(min_free=0, max_bytes=10_000, segment_bytes=4_096)
    async with rig(tmp_path, config, away=True) as r:
        confirmed = []
        with pytest.raises(SinkFull):
            await _fill(r.delivery, confirmed)
        assert confirmed
        assert not r.delivery.ready
        assert "room" in str(r.delivery.trouble)
        r.remote.error = None
        await r.emptied()
        assert r.taken == values(confirmed)
        r.remote.error = SinkUnavailable("away again")
        await until_async(lambda: r.spool.ready)
        assert await r.delivery.write(batch(999)) is Settled.SPOOLED


async def _fill(delivery, confirmed):
    for number in range(200):
        one = batch(number, length=500)
        await delivery.write(one)
        confirmed.append(one)


async def test_a_batch_of_unknown_fate_is_failed_not_shed_when_the_spool_is_full_too(tmp_path):
    config = SpoolConfig(min_free=1 << 60)
    async with rig(tmp_path, config) as r:
        r.remote.open.clear()
        writing = asyncio.create_task(r.delivery.write(batch(1)))
        await asyncio.sleep(0)
        r.remote.error = SinkTimeout("late")
        r.remote.open.set()
        with pytest.raises(SinkError) as raised:
            await writing
        assert not isinstance(raised.value, SinkFull | SinkUnavailable)


async def test_a_damaged_segment_loses_just_what_was_in_it_and_the_ledger_says_so(tmp_path, caplog):
    config = SpoolConfig(min_free=0, segment_bytes=4_096)
    async with rig(tmp_path, config, away=True) as r:
        for one in batches(range(12), length=1_000):
            await r.delivery.write(one)
    victim = sorted(r.files)[0]
    data = bytearray(victim.read_bytes())
    data[200] ^= 0xFF  # in the first frame
    victim.write_bytes(data)
    async with rig(tmp_path, config) as r:
        await r.emptied()
        assert r.taken == values(batches(range(1, 12), length=1_000))
        assert r.spool.counts.lost == 2
    (said,) = (one for one in caplog.records if one.getMessage().startswith("spool: events lost"))
    assert said.__dict__["fields"]["events"] == 2
    assert (tmp_path / "spool" / f"{victim.name}.aside").read_bytes()[:200] == data[:200]
    async with rig(tmp_path, config) as r:
        assert r.spool.counts.waiting_at_start == 0


async def test_a_spool_that_is_wholly_unreadable_is_let_go_of_and_counted(tmp_path):
    async with rig(tmp_path, away=True) as r:
        await r.delivery.write(batch(1))
    (victim,) = r.files
    data = bytearray(victim.read_bytes())
    data[100] ^= 0xFF
    victim.write_bytes(data)
    async with rig(tmp_path) as r:
        await r.emptied()
        assert r.spool.counts.lost == 2
        assert r.taken == []


class Failing(OsFiles):
    """Reads fail a number of times, from the n-th on."""

    def __init__(self, first: int, times: int) -> None:
        self._failing = range(first, first + times)
        self._reads = 0
        self.armed = False

    def read_at(self, descriptor, offset, length):
        if self.armed:
            self._reads += 1
            if self._reads in self._failing:
                raise OSError(errno.EIO, "bad sector")
        return super().read_at(descriptor, offset, length)

    def open(self, path, *, append=False):
        if self.armed and not append:
            self._reads += 1
            if self._reads in self._failing:
                raise OSError(errno.EMFILE, "too many open files")
        return super().open(path, append=append)


@pytest.mark.parametrize("first", range(1, 8))
async def test_a_disk_that_fails_to_be_read_for_a_moment_costs_nothing(tmp_path, first):
    files = Failing(first, 2)
    config = SpoolConfig(min_free=0, segment_bytes=4_096)
    r = Rig(tmp_path, config, NOON)
    r.spool = r.delivery._spool = Spool(tmp_path / "spool", config, Machine(files))
    r.delivery._probe = 0.01
    r.remote.error = SinkUnavailable("away")
    await r.delivery.start()
    files.armed = True
    made = batches(range(12), length=1_000)
    for one in made:
        await r.delivery.write(one)
    r.remote.error = None
    await r.emptied()
    assert r.taken == values(made)
    assert r.spool.counts.lost == 0
    await r.delivery.close()


@pytest.mark.parametrize(("before", "after"), [(4, 2), (2, 4)])
async def test_more_or_fewer_partitions_than_when_it_was_spooled_are_no_hindrance(
    tmp_path, before, after
):
    count = before

    class Growing(Remote):
        async def write(self, batch: Batch) -> Settled:
            if batch.partition >= count:
                raise SinkUnavailable("no such partition")
            if batch.partition != 1 and count == before:
                raise SinkTimeout("no leader")
            return await super().write(batch)

    remote = Growing()
    batching = Batching(lambda: 200_000, lambda key: key[-1] % count, lambda: count)
    quarantine = Store(tmp_path / "quarantine", StoreConfig(min_free=0))
    spool = Spool(tmp_path / "spool", CONFIG)
    delivery = Delivery(remote, spool, quarantine, batching, lambda: NOON, CONFIG, 0.01)
    await delivery.start()
    for key in range(8):
        made = Batch(bytes(16), key % count, 0.0)
        made.add(Record(bytes([key]), b"%d" % key, NOON), lambda _: None)
        await delivery.write(made)
    await until_async(lambda: delivery._replay._behind)
    count = after
    await until_async(lambda: spool.counts.waiting == 0)
    assert {record.value for record in remote.records} == {b"%d" % key for key in range(8)}
    await until_async(lambda: delivery.breakers_open == 0)
    await delivery.close()


async def test_an_emptied_spool_keeps_no_deleted_file_open(tmp_path):
    async with rig(tmp_path, away=True) as r:
        await r.delivery.write(batch(1))
        r.remote.error = None
        await r.emptied()
        held = [fd.readlink() for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
        spool = str(tmp_path / "spool")
        assert not [f for f in held if str(f).startswith(spool) and str(f).endswith("(deleted)")]


async def test_waiting_long_is_reported_once(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    async with rig(tmp_path, away=True, clock=1 << 62) as r:
        await r.delivery.write(batch(1))
        await until_async(lambda: r.delivery.oldest > 0)
        await r.delivery.write(batch(2))
        said = [line for line in caplog.messages if line == "events wait long in the spool"]
        assert len(said) == 1
        r.remote.error = None
        await r.emptied()
        await until_async(lambda: r.delivery.oldest == 0)


async def test_closing_is_bounded_while_the_remote_stands_still(tmp_path):
    async with rig(tmp_path, away=True) as r:
        await r.delivery.write(batch(1))
        r.remote.error = None
        r.remote.open.clear()
        async with asyncio.timeout(5):
            await r.delivery.close()
    async with rig(tmp_path) as r:
        await r.emptied()
        assert r.taken == values([batch(1)])


# -- one partition, or the quarantine, takes nothing ----------------------------------------------

TWO = Batching(lambda: 200_000, lambda key: key[-1] % 2, lambda: 2)


class Partitioned(Remote):
    """A Kafka of which single partitions take nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.stalled: set[int] = set()
        self.tries = 0

    async def write(self, batch: Batch) -> Settled:
        if batch.partition in self.stalled:
            self.tries += 1
            raise SinkTimeout("no leader")
        return await super().write(batch)


def keyed(number: int, key: bytes) -> Batch:
    """A batch for the partition of `key`."""
    made = Batch(number.to_bytes(16), TWO.partition(key), 0.0)
    made.add(Record(key, b"%d" % number, NOON), lambda _: None)
    return made


@asynccontextmanager
async def partitioned(directory: Path) -> AsyncIterator[Rig]:
    r = Rig(directory, CONFIG, NOON)
    r.remote = Partitioned()
    r.delivery = Delivery(
        r.remote,
        r.spool,
        Store(directory / "quarantine", StoreConfig(min_free=0)),
        TWO,
        lambda: NOON,
        CONFIG,
        probe=0.01,
    )
    await r.delivery.start()
    try:
        yield r
    finally:
        await r.delivery.close()


async def test_a_partition_that_takes_nothing_holds_up_no_other(tmp_path):
    async with partitioned(tmp_path) as r:
        r.remote.stalled = {1}
        assert await r.delivery.write(keyed(1, b"1")) is Settled.SPOOLED
        assert await r.delivery.write(keyed(2, b"2")) is Settled.DIRECT
        # Not at once: while the spool took long, the breaker's pause may have ended, and it closed.
        await until_async(lambda: r.delivery.breakers_open == 1)
        r.remote.error = SinkUnavailable("away")
        for number in range(3, 9):
            await r.delivery.write(keyed(number, b"%d" % number))
        r.remote.error = None
        await until_async(lambda: r.spool.counts.waiting == 4)
        assert r.taken == [b"2", b"4", b"6", b"8"]
        r.check_ledger()
        r.remote.stalled = set()
        await r.emptied()
        assert r.taken == [b"2", b"4", b"6", b"8", b"1", b"3", b"5", b"7"]
        assert r.delivery.breakers_open == 0


async def test_a_ping_does_not_wait_for_a_partition_that_is_known_to_be_away(tmp_path):
    async with partitioned(tmp_path) as r:
        r.remote.stalled = {1}
        await r.delivery.write(keyed(1, b"1"))
        r.delivery._replay._breaker._open[1] = (3600.0, math.inf)
        await r.delivery.write(keyed(3, b"1"))  # a probe that was under way has come back by then
        tried = r.remote.tries
        for number in range(5, 20, 2):
            assert await r.delivery.write(keyed(number, b"1")) is Settled.SPOOLED
        assert r.remote.tries == tried
        r.delivery._replay._breaker.close(1)
        r.remote.stalled = set()
        await r.emptied()


async def test_a_full_quarantine_holds_up_only_what_belongs_there(tmp_path, caplog):
    async with partitioned(tmp_path) as r:
        quarantine = r.delivery._replay._quarantine = MemorySink()
        quarantine.error = SinkFull("no room")
        bad = Batch(bytes(16), 1, 0.0)
        for value in (b"good", b'{"title":"refuse me"}', b"good too"):
            bad.add(Record(b"1", value, NOON), lambda _: None)
        assert await r.delivery.write(bad) is Settled.SPOOLED
        r.remote.error = SinkUnavailable("away")
        await r.delivery.write(keyed(3, b"3"))
        r.remote.error = None
        await until_async(lambda: r.spool.counts.waiting == 1)
        assert sorted(r.taken) == [b"3", b"good", b"good too"]
        assert caplog.messages.count("refused records cannot be put aside") == 1
        quarantine.error = None
        await r.emptied()
        assert r.spool.counts.quarantined == 1
        (aside,) = quarantine.records
        assert b"refuse me" in aside.value


async def test_many_refused_records_are_put_aside_and_said_once(tmp_path, caplog):
    async with rig(tmp_path, away=True) as r:
        bad = Batch(bytes(16), 0, 0.0)
        for _ in range(50):
            bad.add(Record(b"1", b"refuse me", NOON), lambda _: None)
        await r.delivery.write(bad)
        r.remote.error = None
        await r.emptied()
        assert r.spool.counts.quarantined == 50
    assert caplog.messages.count("a record was refused by kafka, and put aside") == 1


class CountingSink(MemorySink):
    """Counts what it is asked to keep."""

    tries = 0

    async def write(self, batch: Batch) -> Settled:
        self.tries += 1
        return await super().write(batch)


async def test_refused_records_beyond_the_bound_wait_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(replay, "_MOST_BEHIND", 3)
    monkeypatch.setattr(replay, "_TOGETHER", 1)  # a passage for each batch
    async with rig(tmp_path, away=True) as r:
        quarantine = r.delivery._replay._quarantine = CountingSink()
        quarantine.error = SinkFull("no room")
        bad = Batch(bytes(16), 0, 0.0)
        for _ in range(5):
            bad.add(Record(b"1", b"refuse me", NOON), lambda _: None)
        await r.delivery.write(bad)
        r.remote.error = None

        def refused() -> int:
            return sum(len(passage.refused) for passage in r.delivery._replay._behind)

        await until_async(lambda: refused() == 5)
        r.remote.error = SinkUnavailable("away")
        assert await r.delivery.write(batch(7)) is Settled.SPOOLED
        r.remote.error = None
        tried = quarantine.tries
        await until_async(lambda: quarantine.tries > tried + 2)
        assert not r.spool.read_to_end(r.delivery._replay._read_to)
        quarantine.error = None
        await r.emptied()
        assert r.taken == values([batch(7)])


async def test_what_is_put_aside_keeps_the_day_of_its_receipt(tmp_path):
    clock = Clock()
    r = Rig(tmp_path, CONFIG, NOON)
    machine = clock.machine(OsFiles())
    r.spool = Spool(tmp_path / "spool", CONFIG, machine)
    quarantine = Store(tmp_path / "quarantine", StoreConfig(min_free=0), machine=machine)
    r.delivery = Delivery(r.remote, r.spool, quarantine, ONE, lambda: clock.now, CONFIG, 0.01)
    r.remote.error = SinkUnavailable("away")
    await r.delivery.start()
    bad = Batch(bytes(16), 0, 0.0)
    bad.add(Record(b"1", b"refuse me", NOON), lambda _: None)
    await r.delivery.write(bad)
    clock.advance(10 * 24 * HOUR)
    r.remote.error = None
    await r.emptied()
    with Reader(tmp_path / "quarantine") as reader:
        (aside,) = reader.batches()
    assert aside.received == NOON
    clock.advance(9 * 24 * HOUR)
    await r.delivery.close()
    again = Store(tmp_path / "quarantine", StoreConfig(min_free=0), machine=machine)
    await again.start()
    assert list((tmp_path / "quarantine").glob("*.seg")) == []
    await again.close()


# -- over restarts --------------------------------------------------------------------------------


async def test_an_orderly_restart_repeats_nothing_of_what_was_replayed(tmp_path):
    made = batches(range(6))
    async with partitioned(tmp_path) as r:
        r.remote.error = SinkUnavailable("away")
        for one in made:
            await r.delivery.write(one)
        r.remote.error = None
        await until_async(lambda: r.taken == values(made))
        await until_async(lambda: r.spool.read_to_end(r.spool.released))
        r.remote.error = SinkUnavailable("away")
        await r.delivery.write(batch(99))
    async with rig(tmp_path) as r:
        assert r.spool.counts.waiting_at_start == 2
        await r.emptied()
        assert r.taken == values([batch(99)])


async def test_what_came_after_a_record_that_is_held_up_stays_and_is_sent_again(tmp_path):
    async with partitioned(tmp_path) as r:
        r.remote.error = SinkUnavailable("away")
        for number in (1, 2, 4):
            await r.delivery.write(keyed(number, b"%d" % number))
        full = r.spool.counts.bytes
        r.remote.stalled = {1}
        r.remote.error = None
        await until_async(lambda: r.spool.counts.waiting == 1)
        assert r.taken == [b"2", b"4"]
        assert r.spool.counts.bytes == full
    async with partitioned(tmp_path) as r:
        await r.emptied()
        assert r.taken == [b"1", b"2", b"4"]


async def test_a_note_ahead_of_everything_is_not_believed(tmp_path):
    """The clock was set back: new segments' numbers are smaller than the note's."""
    async with rig(tmp_path, away=True) as r:
        await r.delivery.write(batch(1))
    (tmp_path / "spool" / "replayed").write_text("9999999999999:32\n")
    async with rig(tmp_path) as r:
        await r.emptied()
        assert r.taken == values([batch(1)])


@pytest.mark.parametrize("note", ["", "12", "x:y", "\x00\x00", "-1:3"])
async def test_a_note_that_cannot_be_read_costs_nothing(tmp_path, note):
    async with rig(tmp_path, away=True) as r:
        await r.delivery.write(batch(1))
    (tmp_path / "spool" / "replayed").write_text(note)
    async with rig(tmp_path) as r:
        await r.emptied()
        assert r.taken == values([batch(1)])


async def test_what_came_of_age_while_it_waited_is_not_sent_later(tmp_path):
    clock = Clock()
    r = Rig(tmp_path, CONFIG, NOON)
    r.spool = Spool(tmp_path / "spool", CONFIG, clock.machine(OsFiles()))
    r.remote = Partitioned()
    quarantine = Store(tmp_path / "quarantine", StoreConfig(min_free=0))
    r.delivery = Delivery(r.remote, r.spool, quarantine, TWO, lambda: clock.now, CONFIG, 0.01)
    await r.delivery.start()
    r.remote.stalled = {1}
    await r.delivery.write(keyed(1, b"1"))
    await until_async(lambda: r.remote.tries > 2)  # read, and held up
    clock.advance(20 * 24 * HOUR)
    await until_async(lambda: r.spool.counts.expired == 1)
    r.remote.stalled = set()
    await until_async(lambda: r.delivery.breakers_open == 0)
    assert r.taken == []
    assert r.spool.counts.waiting == 0
    r.check_ledger()
    await r.delivery.close()


async def test_what_came_of_age_while_nothing_ran_is_not_there_at_the_next_start(tmp_path):
    clock = Clock()
    machine = clock.machine(OsFiles())
    spool = Spool(tmp_path, CONFIG, machine)
    await spool.start()
    await spool.append(batch(1))
    clock.advance(10 * 24 * HOUR)
    await spool.append(batch(2))
    await spool.close()
    clock.advance(10 * 24 * HOUR)
    spool = Spool(tmp_path, CONFIG, machine)
    await spool.start()
    assert spool.counts.waiting == spool.counts.waiting_at_start == 2
    assert (spool.counts.found, spool.counts.expired) == (4, 2)
    read = await spool.read(spool.released, 1 << 20)
    assert [one.id for one in read.batches] == [batch(2).id]
    await spool.close()


async def test_the_age_is_that_of_the_oldest_which_still_waits(tmp_path):
    clock = Clock()
    async with partitioned(tmp_path) as r:
        pass
    r.spool = Spool(tmp_path / "spool", CONFIG, clock.machine(OsFiles()))
    quarantine = Store(tmp_path / "quarantine", StoreConfig(min_free=0))
    r.delivery = Delivery(r.remote, r.spool, quarantine, TWO, lambda: clock.now, CONFIG, 0.01)
    r.remote.error = SinkUnavailable("away")
    await r.delivery.start()
    await r.delivery.write(keyed(2, b"2"))
    clock.advance(HOUR)
    await r.delivery.write(keyed(1, b"1"))
    r.remote.stalled = {1}
    r.remote.error = None
    await until_async(lambda: r.taken == [b"2"])
    await until_async(lambda: r.delivery.oldest == 0)  # once the one of an hour ago is there
    assert r.spool.counts.waiting == 1
    await r.delivery.close()


async def test_what_waits_beyond_the_bound_waits_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(replay, "_MOST_BEHIND", 5)
    async with partitioned(tmp_path) as r:
        r.remote.stalled = {1}
        for number in range(1, 21, 2):
            await r.delivery.write(keyed(number, b"1"))
            await until_async(
                lambda: r.spool.read_to_end(r.delivery._replay._read_to) or r.held_up >= 5
            )
        r.remote.error = SinkUnavailable("away")
        await r.delivery.write(keyed(2, b"2"))
        r.remote.error = None
        tried = r.remote.tries
        await until_async(lambda: r.remote.tries > tried + 2)
        assert r.taken == []  # behind them in the spool
        assert r.held_up == 5
        assert await r.delivery.write(keyed(4, b"2")) is Settled.DIRECT
        r.remote.stalled = set()
        await r.emptied()
        assert sorted(r.taken, key=int) == [b"%d" % n for n in sorted([*range(1, 21, 2), 2, 4])]


async def test_live_batches_come_before_older_ones_that_wait_in_the_spool(tmp_path):
    async with partitioned(tmp_path) as r:
        r.remote.stalled = {1}
        await r.delivery.write(keyed(1, b"1"))
        await r.delivery.write(keyed(2, b"2"))
        r.remote.stalled = set()
        await r.emptied()
        assert r.taken == [b"2", b"1"]  # order is not promised
