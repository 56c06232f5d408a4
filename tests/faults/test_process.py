"""The process is killed, stopped, left without descriptors, and told the wrong time."""

import asyncio
import contextlib
import resource
import signal
import socket
from pathlib import Path

import pytest

from ingest.log.reader import Reader
from tests.faults.rig import FULL, KAFKA_AWAY, PATIENT, Rig
from tests.support.false_clock import FalseClock
from tests.support.pings import connections
from tests.support.raw import request
from tests.support.wait import until_async

SMALL_SEGMENTS = ("--set", "store.segment_bytes=16384", "--set", "spool.segment_bytes=16384")
HOUR = 3_600
HALF_AN_HOUR = 1_800


@pytest.fixture
def rig(tmp_path):
    """A rig without Kafka."""
    made = Rig(tmp_path, options=SMALL_SEGMENTS)
    yield made
    made.server.kill()


async def _answered(rig, more=50):
    """Wait for so many more answers."""
    enough = len(rig.answers.outcomes) + more
    await until_async(lambda: len(rig.answers.outcomes) >= enough, what="answers")


# -- ends -----------------------------------------------------------------------------------------


@pytest.mark.timeout(600)
async def test_store_survives_kill_9_again_and_again_under_load(rig):
    for turn in range(20 if FULL else 3):
        sending = asyncio.ensure_future(rig.send(400, 1))
        await _answered(rig, 100 + 37 * (turn % 5))  # another moment each time
        rig.server.kill()
        await sending
        rig.start()
    await rig.send(200, 0.3)
    report = await rig.report()
    assert set(report.outcomes) == {"no answer", "stored"}
    assert report.duplicates == 0


async def test_sigterm_under_load_stores_what_was_taken_without_kafka_too(rig):
    with rig.holding() as held:
        sending = asyncio.ensure_future(rig.send(300, 1.5))
        await _answered(rig)
        await rig.ended_by_sigterm(held, sending)
    rig.start()
    report = await rig.report()
    assert set(report.outcomes) == {"no answer", "stored"}  # none: the socket was closed already
    assert report.duplicates == 0


async def test_a_second_sigterm_under_load_ends_at_once_and_loses_nothing_confirmed(rig):
    sending = asyncio.ensure_future(rig.send(300, 1.5))
    with socket.create_connection(("127.0.0.1", rig.server.port)) as slow:
        # A body that never comes keeps the first stop waiting.
        slow.sendall(b"POST /e HTTP/1.1\r\nHost: beacon.test\r\nContent-Length: 10\r\n\r\n{")
        await _answered(rig)
        rig.server.signal(signal.SIGTERM)
        await until_async(lambda: rig.server.logged("stopping"))
        rig.server.signal(signal.SIGTERM)
        assert await asyncio.to_thread(rig.server.wait) == 128 + signal.SIGTERM
    await sending
    assert not rig.server.logged("stopped")
    rig.start()
    report = await rig.report()
    assert report.confirmed >= 50


@pytest.mark.kafka
async def test_a_second_sigterm_with_kafka_away_loses_nothing_of_the_spool(tmp_path, kafka):
    rig = Rig(tmp_path, kafka, KAFKA_AWAY)
    try:
        sending = asyncio.ensure_future(rig.send(300, 1.5))
        await _answered(rig)
        rig.server.signal(signal.SIGTERM)
        rig.server.signal(signal.SIGTERM)
        await sending
        await asyncio.to_thread(rig.server.wait)
        rig.options = ()
        rig.start()
        await rig.drained()
        report = await rig.report()
        assert report.confirmed >= 50
    finally:
        rig.server.kill()


# -- the clock ------------------------------------------------------------------------------------


def _times(rig):
    """When each batch of the store was received, in epoch seconds, in the order of storing."""
    with Reader(rig.data_dir / "store") as reader:
        return [batch.received / 1000 for batch in reader.batches()]


async def test_clock_set_back_an_hour_under_load_and_at_a_restart(tmp_path):
    clock = FalseClock(tmp_path)
    clock.turn_to_midnight(HALF_AN_HOUR)  # so that yesterday comes again
    rig = Rig(tmp_path, options=SMALL_SEGMENTS, env=clock.environment)
    try:
        sending = asyncio.ensure_future(rig.send(200, 1.5))
        await _answered(rig)
        clock.turn(-HOUR)
        await sending
        rig.stop()
        clock.turn(-HOUR)
        rig.start()
        await rig.send(200, 0.5)
        report = await rig.all_stored()
        assert report.duplicates == 0
        times = _times(rig)
        assert times[-1] - times[0] < -1.9 * HOUR, "the clock was not seen to go back"
    finally:
        rig.server.kill()


@pytest.mark.kafka
async def test_clock_set_back_an_hour_while_the_spool_fills_and_when_it_is_replayed(
    tmp_path, kafka
):
    clock = FalseClock(tmp_path)
    clock.turn_to_midnight(HALF_AN_HOUR)
    options = (*SMALL_SEGMENTS, *PATIENT)
    rig = Rig(tmp_path, kafka, (*options, *KAFKA_AWAY), clock.environment)
    try:
        sending = asyncio.ensure_future(rig.send(200, 1.5))
        await _answered(rig)
        clock.turn(-HOUR)
        await sending
        rig.stop()
        clock.turn(-HOUR)
        rig.options = options
        rig.start()
        await rig.drained()
        await rig.send(100, 0.5)
        report = await rig.made_good()
        assert report.duplicates == 0
    finally:
        rig.server.kill()


# -- descriptors ----------------------------------------------------------------------------------


def _open_files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_descriptors_used_up_by_idle_connections_under_load(rig):
    """Not even a segment can be begun: pings are shed, none is confirmed for nothing."""
    await _use_up_descriptors(rig)
    _check_what_came(await rig.report())


@pytest.mark.kafka
async def test_descriptors_used_up_while_pings_are_spooled(tmp_path, kafka):
    rig = Rig(tmp_path, kafka, (*SMALL_SEGMENTS, *PATIENT, *KAFKA_AWAY))
    try:
        await _use_up_descriptors(rig)
        rig.stop()
        rig.options = (*SMALL_SEGMENTS, *PATIENT)
        rig.start()
        await rig.drained()
        _check_what_came(await rig.report())
    finally:
        rig.server.kill()


async def _use_up_descriptors(rig):
    enough = asyncio.Event()
    sending = asyncio.ensure_future(rig.send(200, 60, enough))
    await _answered(rig)
    limit = resource.prlimit(rig.server.pid, resource.RLIMIT_NOFILE)
    few = _open_files(rig.server.pid) + 4
    resource.prlimit(rig.server.pid, resource.RLIMIT_NOFILE, (few, limit[1]))
    try:
        with contextlib.ExitStack() as idle:

            def none_left():
                # Again and again: those too many are closed at once, and a file may be too later.
                idle.enter_context(connections(rig.server.port, 60))
                return _open_files(rig.server.pid) >= few

            await until_async(none_left, what="none to be left")
            await _answered(rig, 100)
    finally:
        enough.set()
        resource.prlimit(rig.server.pid, resource.RLIMIT_NOFILE, limit)
    await sending
    await until_async(lambda: _served(rig), what="free descriptors")
    await rig.send(100, 0.3)


def _check_what_came(report):
    # Failed: a segment was begun, and no descriptor was left to sync its directory with.
    assert set(report.outcomes) <= {"failed", "no answer", "shed", "stored"}
    unsure = report.outcomes.get("failed", 0) + report.outcomes.get("no answer", 0)
    assert report.found <= report.confirmed + unsure
    assert report.duplicates == 0


def _served(rig):
    with contextlib.suppress(OSError, ValueError):
        return request(rig.server.url, "/badge/a.svg?ping=0").status == 200
    return False
