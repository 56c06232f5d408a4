"""Kafka first, the spool behind it, and back: with a remote in memory whose faults are ours."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ingest.config import Spool as SpoolConfig
from ingest.config import Store as StoreConfig
from ingest.log.batch import Batch, Batching, Record, Settled
from ingest.log.delivery import Delivery
from ingest.log.files import OsFiles
from ingest.log.machine import Machine
from ingest.log.partition import one_partition
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

ONE = Batching(200_000, one_partition, lambda: 1)
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
        assert r.delivery.breaker_open
        assert r.spool.counts.waiting == 2
        r.remote.error = None
        await r.emptied()
        assert r.taken == values([batch(1)])
        assert not r.delivery.breaker_open


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
        assert max(one.size for one in r.remote.batches) <= ONE.limit
        assert r.taken == values(batches(range(6), records=100, length=1_000))


async def test_what_waits_for_20_days_is_deleted_and_counted(tmp_path):
    clock = Clock()
    spool = Spool(tmp_path, CONFIG, clock.machine(OsFiles()))
    await spool.start()
    await spool.append(batch(1))
    clock.advance(20 * 24 * HOUR)
    await until_async(lambda: spool.counts.expired == 2)
    assert spool.counts.waiting == 0
    assert spool.counts.waiting_at_start == -2  # what was promised to privacy leaves the books
    await spool.close()


async def test_a_mistake_of_ours_in_the_replay_loses_nothing(tmp_path):
    async with rig(tmp_path, away=True) as r:
        await r.delivery.write(batch(1))
        sound, r.delivery._regrouped = r.delivery._regrouped, None
        r.remote.error = None
        await asyncio.sleep(0.3)
        r.delivery._regrouped = sound
        await r.emptied()
        assert r.taken == values([batch(1)])


async def test_live_batches_go_direct_while_the_replay_goes_on(tmp_path):
    async with rig(tmp_path, away=True) as r:
        for one in batches(range(5), records=300, length=1_000):
            await r.delivery.write(one)
        r.remote.error = None
        await until_async(lambda: not r.delivery.breaker_open)
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


async def test_a_damaged_segment_loses_just_what_was_in_it_and_the_ledger_says_so(tmp_path):
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


async def test_more_or_fewer_partitions_than_when_it_was_spooled_are_no_hindrance(tmp_path):
    count = 4

    class Partitioned(Remote):
        async def write(self, batch: Batch) -> Settled:
            if batch.partition >= count:
                raise SinkUnavailable("no such partition")
            return await super().write(batch)

    r = Rig(tmp_path, CONFIG, NOON)
    r.remote = r.delivery._remote = Partitioned()
    r.delivery._partition = lambda _: count - 1
    r.remote.error = SinkUnavailable("away")
    await r.delivery.start()
    await r.delivery.write(batch(1))
    await until_async(lambda: (r.delivery.oldest == 0 and not r.spool.empty) or r.spool._read_to)
    count = 2
    r.remote.error = None
    await r.emptied()
    assert r.taken == values([batch(1)])
    await r.delivery.close()


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
