"""Orders of events in which something confirmed was once lost, or held up for ever."""

import asyncio
import errno
import threading

import pytest

from ingest.config import Spool as SpoolConfig
from ingest.config import Store as StoreConfig
from ingest.log.batch import Batch, Batching, Record, Settled
from ingest.log.delivery import Delivery
from ingest.log.files import OsFiles
from ingest.log.machine import Machine
from ingest.log.position import Position
from ingest.log.replayed import note_replayed
from ingest.log.segment import SegmentName
from ingest.log.sink import SinkError, SinkFull, SinkUnavailable
from ingest.log.spool import Spool
from ingest.log.store import Store
from tests.log.test_delivery import CONFIG, TWO, Partitioned, Rig, keyed, partitioned, rig, values
from tests.support.stored import HOUR, NOON, Clock, batch, batches
from tests.support.wait import until_async

SMALL = SpoolConfig(min_free=0, segment_bytes=4_096)


def remade(directory, machine, config=CONFIG, batching=TWO, remote=None, probe=0.01):
    """A rig with a machine, or a remote, of the test's own."""
    r = Rig(directory, config, NOON)
    r.remote = remote or r.remote
    r.spool = Spool(directory / "spool", config, machine)
    aside = Store(directory / "quarantine", StoreConfig(min_free=0))
    r.delivery = Delivery(r.remote, r.spool, aside, batching, lambda: NOON, config, probe)
    return r


async def test_a_partition_that_comes_back_is_found_while_another_takes_nothing(tmp_path):
    async with partitioned(tmp_path) as r:
        r.remote.stalled = {0, 1}
        await r.delivery.write(keyed(1, b"1"))
        await until_async(lambda: r.delivery._replay._behind)
        await r.delivery.write(keyed(2, b"2"))
        r.remote.stalled = {1}
        await until_async(lambda: r.taken == [b"2"])


async def test_a_breaker_without_a_probe_closes_while_another_partition_takes_nothing(tmp_path):
    async with partitioned(tmp_path) as r:
        r.remote.stalled = {1}
        await r.delivery.write(keyed(1, b"1"))
        await until_async(lambda: r.delivery._replay._behind)
        r.spool._segments.refusals.begin(SinkFull, "no room", 3600)
        r.remote.stalled = {0, 1}
        with pytest.raises(SinkError):
            await r.delivery.write(keyed(2, b"2"))
        r.remote.stalled = {1}
        await until_async(lambda: r.delivery.breakers_open == 1)
        assert await r.delivery.write(keyed(4, b"2")) is Settled.DIRECT


async def test_partitions_whose_probes_take_long_by_turns_hold_up_no_other(tmp_path):
    class Slow(Partitioned):
        async def write(self, batch: Batch) -> Settled:
            if batch.partition in self.stalled:
                await asyncio.sleep(0.15)  # longer than the pause between two probes
            return await super().write(batch)

    def of(partition: int) -> Batch:
        made = Batch(bytes(16), partition, 0.0)
        made.add(Record(bytes([partition]), b"%d" % partition, NOON), lambda _: None)
        return made

    three = Batching(lambda: 200_000, lambda key: key[0], lambda: 3)
    r = remade(tmp_path, Machine(), batching=three, remote=Slow(), probe=0.1)
    await r.delivery.start()
    r.remote.stalled = {0, 1, 2}
    await r.delivery.write(of(0))
    await until_async(lambda: r.delivery._replay._behind)
    await r.delivery.write(of(1))
    await until_async(lambda: len(r.delivery._replay._breaker) == 2)
    await r.delivery.write(of(2))
    r.remote.stalled = {0, 1}
    await until_async(lambda: r.taken == [b"2"])
    await r.delivery.close()


async def test_few_passages_are_held_of_a_partition_that_takes_nothing(tmp_path):
    async with partitioned(tmp_path) as r:
        r.remote.stalled = {1}
        for number in range(200):
            await r.delivery.write(keyed(number, b"1"))
            await until_async(lambda: r.spool.read_to_end(r.delivery._replay._read_to))
        assert len(r.delivery._replay._behind) < 10
        r.remote.stalled = set()
        await r.emptied()
        assert r.taken == [b"%d" % number for number in range(200)]


async def test_a_note_that_was_not_believed_is_believed_by_no_later_start(tmp_path):
    """The spool was emptied, the clock set back, and it has caught up with the note."""
    clock = Clock()

    async def life() -> Rig:
        r = remade(tmp_path, clock.machine(OsFiles()))
        r.remote.error = SinkUnavailable("away")
        await r.delivery.start()
        return r

    r = await life()
    await r.delivery.write(batch(1))
    r.remote.error = None
    await r.emptied()
    await r.delivery.close()
    for number, later in ((2, -HOUR), (3, 2 * HOUR)):
        clock.advance(later)
        r = await life()
        await r.delivery.write(batch(number))
        await r.delivery.close()
    r = await life()
    r.remote.error = None
    await r.emptied()
    assert r.taken == values([batch(2), batch(3)])
    await r.delivery.close()


class Unopened(OsFiles):
    """One file cannot be opened, for a number of times."""

    def __init__(self, name: str, times: int) -> None:
        self._name = name
        self._times = times

    def open(self, path, *, append=False):
        if path.name == self._name and self._times:
            self._times -= 1
            raise OSError(errno.EIO, "bad sector")
        return super().open(path, append=append)


@pytest.mark.parametrize("which", [0, -1])
@pytest.mark.parametrize(("times", "lost"), [(1, 0), (1_000, 4)])
async def test_a_segment_that_cannot_be_opened_holds_up_nothing(tmp_path, which, times, lost):
    made = batches(range(12), length=1_000)
    async with rig(tmp_path, SMALL, away=True) as r:
        for one in made:
            await r.delivery.write(one)
    files = Unopened(sorted(r.files)[which].name, times)
    r = remade(tmp_path, Machine(files), SMALL)
    await r.delivery.start()
    await r.emptied()
    assert len(r.taken) == 24 - lost
    assert r.spool.counts.damaged_frames == 1
    assert len(list((tmp_path / "spool").glob("*.aside"))) == 1
    await r.delivery.close()


async def test_a_segment_set_aside_goes_to_kafka_once_the_operator_has_it_tried_again(tmp_path):
    """Its old number lies behind what was released: under that it would be deleted unread."""
    made = batches(range(12), length=1_000)
    async with rig(tmp_path, SMALL, away=True) as r:
        for one in made:
            await r.delivery.write(one)
    files = Unopened(sorted(r.files)[0].name, 1_000)
    r = remade(tmp_path, Machine(files), SMALL)
    await r.delivery.start()
    await r.emptied()
    taken = set(r.taken)
    assert len(taken) == 20
    await r.delivery.close()
    async with rig(tmp_path, SMALL, away=True) as r:
        await r.delivery.write(batch(50))
    (newer,) = r.files
    name = SegmentName.parse(newer.name)
    note_replayed(newer.parent, Position(name.sequence, 0))
    (aside,) = (tmp_path / "spool").glob("*.aside")
    aside.rename(aside.with_suffix(".again"))
    for _ in range(2):
        async with rig(tmp_path, SMALL) as r:
            await r.emptied()
            taken.update(r.taken)
            r.check_ledger()
    assert taken == set(values([*made, batch(50)]))
    assert not list((tmp_path / "spool").glob("*.again"))


async def test_a_mistake_on_the_way_to_kafka_costs_no_ping(tmp_path, monkeypatch):
    async with rig(tmp_path) as r:
        monkeypatch.setattr(r.remote, "error", ValueError("of a client's"))
        monkeypatch.setattr(Partitioned.__mro__[1], "ready", True, raising=False)
        assert await r.delivery.write(batch(1)) is Settled.SPOOLED
        r.remote.error = None
        await r.emptied()


async def test_a_disk_that_hangs_while_it_is_read_does_not_hold_up_the_loop(tmp_path):
    reading, gate = threading.Event(), threading.Event()

    class Hanging(OsFiles):
        def read_at(self, descriptor, offset, length):
            reading.set()
            gate.wait(10)
            return super().read_at(descriptor, offset, length)

    r = remade(tmp_path, Machine(Hanging()))
    await r.delivery.start()
    r.remote.error = SinkUnavailable("away")
    await r.delivery.write(batch(1))
    r.remote.error = None
    await until_async(reading.is_set)
    closing = asyncio.ensure_future(r.delivery.close())
    await asyncio.wait((closing,), timeout=0.1)  # the loop goes on
    assert not closing.done()
    gate.set()
    await closing
