"""The network between collector and broker fails; nothing that was confirmed is lost."""

import asyncio

import pytest

from tests.faults.rig import FULL, Rig
from tests.support.kafka import Broker
from tests.support.link import Link

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def way():
    """The link of all these tests; its broker never fails."""
    with Link() as made:
        yield made


@pytest.fixture(scope="module")
def broker(tmp_path_factory, way):
    made = Broker(tmp_path_factory.mktemp("kafka") / "broker", way.port)
    way.connect(made.ports.link)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def link(way):
    yield way
    way.flow()


@pytest.fixture
def rig(tmp_path, broker, link):
    made = Rig(tmp_path, broker, ("--kafka", link.address))
    yield made
    made.server.kill()


async def test_stalled_link_costs_time_and_no_event(rig, link):
    stall = 60 if FULL else 3
    sending = asyncio.ensure_future(rig.send(150, stall + 2))
    await asyncio.sleep(1)
    link.stall()
    await asyncio.sleep(stall)
    link.flow()
    await sending
    report = await rig.made_good()
    assert report.found == report.sent
    assert rig.metric("beacon_events_spooled_total") > 0


async def test_half_open_link_may_double_events_and_loses_none(rig, link):
    sending = asyncio.ensure_future(rig.send(150, 32 if FULL else 5))
    await asyncio.sleep(1)
    link.swallow_answers()
    await asyncio.sleep(30 if FULL else 3)
    link.flow()
    await sending
    report = await rig.made_good()
    assert report.found == report.sent
    assert report.duplicates > 0  # what was stored without our hearing so


@pytest.mark.timeout(300)
async def test_link_cut_again_and_again_under_load(rig, link):
    cuts = 50 if FULL else 8
    sending = asyncio.ensure_future(rig.send(150, cuts / 2 + 1))
    for _ in range(cuts):
        await asyncio.sleep(0.5)
        link.cut()
    await sending
    report = await rig.made_good()
    assert report.found == report.sent


async def test_slow_link_within_the_deadline_goes_on_by_kafka(rig, link):
    link.delay(0.05)
    await rig.send(150, 3)
    report = await rig.made_good()
    assert report.found == report.sent
    assert rig.metric("beacon_events_direct_total") > 0


async def test_link_slower_than_the_deadline_is_spooled_and_made_good_once_it_is_fast(rig, link):
    sending = asyncio.ensure_future(rig.send(150, 5))
    await asyncio.sleep(1)
    link.delay(0.4)  # either way, so 0.8 s an answer, with a deadline of 0.5 s
    await asyncio.sleep(3)
    link.flow()
    await sending
    report = await rig.made_good()
    assert report.found == report.sent
    assert rig.metric("beacon_events_spooled_total") > 0
