"""Disks that are full, and files that were damaged while nobody looked."""

import asyncio
import contextlib
import os
import shutil
import signal

import pytest

from tests.faults.rig import KAFKA_AWAY, Rig
from tests.support.hanging_disk import hanging_disk, well_again
from tests.support.metrics import scrape
from tests.support.pings import connections
from tests.support.raw import request
from tests.support.server import start_server
from tests.support.store import flip, frames, segment_files
from tests.support.tmpfs import small_disk
from tests.support.wait import until, until_async

SMALL_SEGMENTS = ("--set", "store.segment_bytes=16384", "--set", "spool.segment_bytes=16384")
DAMAGED = "damaged part of a segment is skipped"
SKIPPED = "reader skipped a part of the log"
TORN = "torn end of a segment cut off"


@pytest.fixture
def stored(tmp_path):
    """A rig without Kafka."""
    made = Rig(tmp_path, options=SMALL_SEGMENTS)
    yield made
    made.server.kill()


@pytest.fixture
async def spooled(tmp_path, kafka):
    """A rig with a spool of more than one segment, killed; Kafka will be there from now on."""
    made = Rig(tmp_path, kafka, (*SMALL_SEGMENTS, *KAFKA_AWAY))
    await _fill(made)
    made.server.kill()
    made.options = SMALL_SEGMENTS
    yield made
    made.server.kill()


async def _fill(rig):
    """Send until there are two segments at the least, and a few batches in the last."""
    directory = rig.data_dir / ("spool" if rig.broker else "store")
    while len(files := segment_files(directory)) < 2 or len(frames(files[-1])) < 3:
        await rig.send(300, 0.4)


def _damage(file):
    """The largest frame with others on both sides, damaged within its payload."""
    chosen = max(frames(file)[1:-1], key=lambda frame: len(frame.ids))
    flip(file, chosen.end - 5)
    return chosen


async def test_store_on_a_full_disk_sheds_under_load_and_takes_again_once_there_is_room(tmp_path):
    with small_disk(tmp_path / "data", 1 << 20) as disk:
        rig = Rig(tmp_path, options=SMALL_SEGMENTS)
        try:
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(shutil.disk_usage(disk).free - 100 * 1024))
            sending = asyncio.ensure_future(rig.send(300, 3))
            await until_async(lambda: "shed" in rig.answers.outcomes.values(), what="a full disk")
            answer = await until_async(lambda: _shed(rig), what="a full disk")
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) > 0
            await until_async(lambda: request(rig.server.admin_url, "/readyz").status == 503)
            await sending
            ballast.unlink()
            await until_async(lambda: rig.ask("/p.gif?s=full").outcome == "stored", what="room")
            await rig.send(100, 0.5)
            report = await rig.report()
            assert set(report.outcomes) == {"shed", "stored"}
            assert report.found == report.confirmed > 50
            assert report.duplicates == 0
        finally:
            rig.server.kill()


def _shed(rig):
    answer = rig.ask("/p.gif?s=full")
    return answer if answer.outcome == "shed" else None


async def test_a_torn_end_of_the_store_is_cut_off_and_costs_nothing_confirmed(stored):
    await _fill(stored)
    stored.server.kill()
    last = segment_files(stored.data_dir / "store")[-1]
    first = frames(last)[0]
    torn = last.read_bytes()[first.start : first.end - 1]
    with last.open("ab") as opened:
        opened.write(torn)  # what a write leaves that a crash interrupts
    stored.start()
    (said,) = stored.server.logged(TORN)
    assert (said["segment"], said["bytes"]) == (last.name, len(torn))
    assert stored.metric("beacon_store_torn_bytes") == len(torn)
    await stored.send(200, 0.5)
    report = await stored.report()
    assert report.duplicates == 0


async def test_a_store_cut_short_loses_just_the_batch_that_was_cut(stored):
    await _fill(stored)
    stored.server.kill()
    last = segment_files(stored.data_dir / "store")[-1]
    cut, left = _cut_short(last)
    stored.start()
    _kept(stored, last, left)
    await stored.send(200, 0.5)
    await stored.report(damaged=cut.ids)


@pytest.mark.kafka
async def test_a_spool_cut_short_loses_just_the_batch_that_was_cut(spooled):
    last = segment_files(spooled.data_dir / "spool")[-1]
    cut, left = _cut_short(last)
    spooled.start()
    _kept(spooled, last, left)
    await spooled.drained()
    await spooled.send(100, 0.5)
    await spooled.report(damaged=cut.ids, counted=False)


def _cut_short(file):
    """The last frame, of which a disk lost the end that it had synced; what is left of it."""
    cut = frames(file)[-1]
    os.truncate(file, cut.end - 5)
    return cut, file.read_bytes()[cut.start :]


def _kept(rig, file, left):
    """It may have been confirmed: that is said, and what is left of it is kept."""
    (said,) = rig.server.logged(TORN)
    assert (said["segment"], said["bytes"]) == (file.name, len(left))
    assert "confirmed only if" in said["note"]
    (aside,) = file.parent.glob("*.aside")
    assert aside.read_bytes() == left


async def test_a_corrupt_frame_of_the_open_segment_is_all_that_the_store_loses(stored):
    await _fill(stored)
    stored.server.kill()
    last = segment_files(stored.data_dir / "store")[-1]
    damaged = _damage(last)
    stored.start()
    (said,) = stored.server.logged(DAMAGED)
    assert (said["segment"], said["offset"]) == (last.name, damaged.start)
    assert said["records"] == len(damaged.ids)
    assert stored.metric("beacon_store_damaged_frames") == 1
    await stored.send(200, 0.5)
    await stored.report(damaged=damaged.ids)


async def test_a_corrupt_frame_of_a_closed_segment_is_all_that_the_store_loses(stored):
    await _fill(stored)
    stored.stop()
    damaged = _damage(segment_files(stored.data_dir / "store")[0])
    stored.start()
    await stored.send(200, 0.5)
    await stored.report(damaged=damaged.ids)  # in full: no life was ended by force


@pytest.mark.kafka
async def test_a_corrupt_frame_of_a_closed_segment_is_all_that_the_spool_loses(spooled):
    file = segment_files(spooled.data_dir / "spool")[0]
    damaged = _damage(file)
    spooled.start()
    await _replayed_and_set_aside(spooled, file)
    await until_async(lambda: _lost(spooled) == len(damaged.ids), what="the loss to be counted")
    (said,) = spooled.server.logged(SKIPPED)
    assert said["records"] == len(damaged.ids)
    await spooled.send(100, 0.5)
    await spooled.report(damaged=damaged.ids)


@pytest.mark.kafka
async def test_a_corrupt_frame_of_the_open_segment_is_all_that_the_spool_loses(spooled):
    file = segment_files(spooled.data_dir / "spool")[-1]
    damaged = _damage(file)
    spooled.start()
    (said,) = spooled.server.logged(DAMAGED)
    assert (said["segment"], said["offset"]) == (file.name, damaged.start)
    assert said["records"] == len(damaged.ids)
    assert spooled.metric("beacon_spool_damaged_frames") == 1
    await _replayed_and_set_aside(spooled, file)
    await until_async(lambda: _lost(spooled) == len(damaged.ids), what="the loss to be counted")
    await spooled.send(100, 0.5)
    await spooled.report(damaged=damaged.ids)


@pytest.mark.kafka
async def test_a_torn_end_of_the_spool_is_cut_off_and_costs_nothing_confirmed(spooled):
    last = segment_files(spooled.data_dir / "spool")[-1]
    first = frames(last)[0]
    torn = last.read_bytes()[first.start : first.end - 1]
    with last.open("ab") as opened:
        opened.write(torn)
    spooled.start()
    (said,) = spooled.server.logged(TORN)
    assert (said["segment"], said["bytes"]) == (last.name, len(torn))
    assert spooled.metric("beacon_spool_torn_bytes") == len(torn)
    await spooled.drained()
    await spooled.report()
    assert _lost(spooled) == 0


async def _replayed_and_set_aside(rig, file):
    await rig.drained()
    aside = file.with_name(file.name + ".aside")
    await until_async(aside.exists, what="the segment to be set aside")


def _lost(rig):
    metrics = scrape(rig.server.admin_url)
    metrics.check_ledger()
    return metrics["beacon_spool_events_lost"]


def test_a_disk_that_hangs_confirms_nothing_and_keeps_no_process_beyond_its_grace(tmp_path):
    hang = hanging_disk(60)  # the server is to start, and to confirm a few
    flags = ("--set", "store.min_free=0", "--set", "shutdown.grace=2")
    with (
        start_server(tmp_path, *flags, wrapper=hang) as server,
        connections(server.port, 1) as (client,),
    ):
        while _confirmed(client):
            pass
        (said,) = until(lambda: server.logged("pings cannot be stored"), what="the line")
        assert said["reason"].startswith("the store: the disk has not answered for ")
        assert request(server.admin_url, "/readyz").status == 503
        server.signal(signal.SIGTERM)
        (said,) = until(lambda: server.logged("ended without closing all files"))
        assert "not done within shutdown.grace" in said["reason"]
        well_again(server.pid)
        assert server.wait() == 1
        assert b"200" not in _all_of(client)


def _confirmed(client):
    """Send a ping; whether it was answered in a time that only a disk that hangs takes."""
    client.sendall(b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\n\r\n")
    client.settimeout(5)
    try:
        return client.recv(65_536).startswith(b"HTTP/1.1 200")
    except TimeoutError:
        return False


def _all_of(client):
    """What came until the connection ended, however it did."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while data := client.recv(65_536):
            received += data
    return received
