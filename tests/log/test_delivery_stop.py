"""How a delivery stops, and what becomes of what was under way; and tasks that end unasked."""

import asyncio
import logging
import os

import pytest

from ingest import app
from ingest.config import Delivery as DeliveryConfig
from ingest.config import Kafka
from ingest.log.batch import Settled
from ingest.log.kafka import KafkaSink
from ingest.log.sink import SinkError, SinkFull, SinkUnavailable
from tests.log.test_delivery import rig, values
from tests.support.stored import batch
from tests.support.wait import until_async


async def test_what_is_under_way_when_it_gives_up_is_spooled(tmp_path):
    async with rig(tmp_path) as r:
        r.remote.open.clear()
        writing = [asyncio.create_task(r.delivery.write(batch(number))) for number in range(3)]
        await asyncio.sleep(0)
        r.delivery.give_up()
        assert await asyncio.gather(*writing) == 3 * [Settled.SPOOLED]
        r.delivery.give_up()  # twice is once
        assert await r.delivery.write(batch(3)) is Settled.SPOOLED  # without trying
    async with rig(tmp_path) as r:
        await r.emptied()
        assert r.taken == values([batch(number) for number in range(4)])


async def test_what_is_given_up_and_finds_no_room_is_failed_not_shed(tmp_path):
    async with rig(tmp_path) as r:
        r.remote.open.clear()
        writing = asyncio.create_task(r.delivery.write(batch(1)))
        await asyncio.sleep(0)
        r.spool._segments.refusals.begin(SinkFull, "no room", 3600)
        r.delivery.give_up()
        with pytest.raises(SinkError) as raised:
            await writing
        assert not isinstance(raised.value, SinkFull | SinkUnavailable)


async def test_what_has_its_answer_when_it_gives_up_is_not_spooled(tmp_path):
    async with rig(tmp_path) as r:
        r.remote.open.clear()
        writing = asyncio.create_task(r.delivery.write(batch(1)))
        await asyncio.sleep(0)
        r.remote.open.set()
        r.delivery.give_up()
        assert await writing is Settled.DIRECT


@pytest.mark.parametrize("first", [True, False])
async def test_one_who_is_cancelled_as_well_is_cancelled(tmp_path, first):
    async with rig(tmp_path) as r:
        r.remote.open.clear()
        writing = asyncio.create_task(r.delivery.write(batch(1)))
        await asyncio.sleep(0)
        if first:
            writing.cancel()
        r.delivery.give_up()
        if not first:
            writing.cancel()
        await asyncio.wait((writing,))
        assert writing.cancelled()


async def _cancelled_in_time(closing, stubborn: asyncio.Event) -> None:
    """A close that waits for a task which does not heed its end can be cancelled all the same."""
    task = asyncio.create_task(closing)
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait((task,), timeout=5)
    stubborn.set()
    assert task.cancelled()


async def _heedless(until: asyncio.Event) -> None:
    while not until.is_set():
        try:
            await until.wait()
        except asyncio.CancelledError:
            continue


async def test_closing_a_delivery_can_be_cancelled(tmp_path):
    async with rig(tmp_path) as r:
        gate = asyncio.Event()
        r.delivery._tasks["heedless"] = asyncio.create_task(_heedless(gate))
        await asyncio.sleep(0)
        await _cancelled_in_time(r.delivery.close(), gate)


async def test_closing_a_kafka_sink_can_be_cancelled():
    sink = KafkaSink(Kafka(bootstrap_servers=("127.0.0.1:1",)), DeliveryConfig())
    gate = asyncio.Event()
    sink._keeper = asyncio.create_task(_heedless(gate))
    await asyncio.sleep(0)
    await _cancelled_in_time(sink.close(), gate)


async def test_a_replay_that_ends_is_reported_and_begun_anew(tmp_path, caplog):
    async with rig(tmp_path, away=True) as r:
        await r.delivery.write(batch(1))
        r.delivery._probe = 0.01
        r.delivery._tasks["replay"].cancel()
        await until_async(lambda: "a task ended, and is begun anew" in caplog.messages)
        r.remote.error = None
        await r.emptied()
        assert r.taken == values([batch(1)])


async def test_the_watch_that_fails_is_reported_and_begun_anew(tmp_path, caplog):
    async with rig(tmp_path, away=True) as r:
        r.delivery._clock = None  # not to be called
        r.delivery._probe = 0.01
        await r.delivery.write(batch(1))
        await until_async(lambda: "a task ended, and is begun anew" in caplog.messages)
        r.delivery._clock = lambda: 1 << 62
        await until_async(lambda: r.delivery.oldest > 0)
        (said, *_) = (one for one in caplog.records if one.levelno == logging.ERROR)
        assert said.exc_info


async def test_an_orderly_end_reports_no_task(tmp_path, caplog):
    async with rig(tmp_path):
        await asyncio.sleep(0)
    assert "a task ended, and is begun anew" not in caplog.messages


async def test_a_stop_that_takes_too_long_says_so_and_blames_nobody(monkeypatch, caplog):
    class Slow:
        async def stop(self, grace: float) -> None:
            await asyncio.Event().wait()

    class Ended(BaseException):
        pass

    def end(code: int) -> None:
        assert code == 1
        raise Ended

    caplog.set_level(logging.INFO)
    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(Ended):
        await app._stop_within(Slow(), 0.01)
    (said,) = (one for one in caplog.records if "ended without" in one.getMessage())
    assert "disk" not in str(said.__dict__["fields"])
