"""Kafka knows who we are, and does not let us write; nothing that was confirmed is lost."""

import asyncio

import pytest

from tests.faults.rig import Rig
from tests.support.acls import Operation, allow, forbid
from tests.support.kafka import PASSWORD, USER, Broker
from tests.support.metrics import scrape
from tests.support.wait import until_async

pytestmark = pytest.mark.kafka
LOOK = (Operation.CREATE, Operation.DESCRIBE)


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A broker that lets nobody do what no ACL allows."""
    broker = Broker(tmp_path_factory.mktemp("kafka") / "strict", authorizes=True)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
async def rig(tmp_path, strict):
    """A collector that may do nothing at all yet; the next one's may not either."""
    login = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_username": USER,
        "sasl_password": PASSWORD,
    }
    options = [word for pair in login.items() for word in ("--set", f"kafka.{pair[0]}={pair[1]}")]
    made = Rig(tmp_path, strict, ("--kafka", strict.sasl, *options))
    yield made
    made.server.kill()
    for topics in (made.prefix, f"{made.prefix}.rejected"):
        await forbid(strict, topics, Operation.WRITE)


def _away(rig):
    return [line["reason"] for line in rig.server.logged("kafka away")]


async def test_who_may_not_write_spools_says_so_and_is_made_good_once_he_may(rig, strict):
    await rig.send(100, 1)
    (reason,) = _away(rig)
    assert "cannot be created: not allowed to use the topic: check its ACLs" in reason
    await allow(strict, rig.prefix, *LOOK)
    await until_async(lambda: "not allowed to do this on the cluster" in _away(rig)[-1])
    await rig.send(100, 1)
    # Now it is let in, and refused by the topic alone.
    await allow(strict, f"{rig.prefix}.rejected", Operation.WRITE)
    await until_async(lambda: "not allowed to use the topic" in _away(rig)[-1])
    await rig.send(100, 4)
    assert rig.metric("beacon_spool_events_waiting") == len(rig.answers.sent)
    assert len(_away(rig)) == 4, "said again and again"
    assert len(rig.server.logged("kafka connected")) == 2
    await allow(strict, rig.prefix, Operation.WRITE)
    report = await rig.made_good()
    assert report.duplicates == 0
    metrics = scrape(rig.server.admin_url)
    assert metrics["beacon_spool_events_replayed_total"] == report.found
    assert metrics["beacon_spool_events_quarantined_total"] == 0


async def test_leave_to_write_that_is_taken_back_under_load_costs_no_event(rig, strict):
    await allow(strict, rig.prefix, *LOOK, Operation.WRITE)
    # Who may write to no topic at all is refused by the cluster already, before and after the topic
    # refuses him: one reason is enough here.
    await allow(strict, f"{rig.prefix}.rejected", Operation.WRITE)
    await until_async(lambda: rig.server.logged("kafka connected"), what="Kafka to let us in")
    before = len(_away(rig))
    sending = asyncio.ensure_future(rig.send(100, 8))
    await until_async(lambda: rig.metric("beacon_events_direct_total") > 50, what="events")
    await forbid(strict, rig.prefix, Operation.WRITE)
    await until_async(lambda: rig.metric("beacon_events_spooled_total") > 300, what="the spool")
    # Of the producer that had sent, and of the first that never did; five or six were refused.
    assert len(_away(rig)[before:]) <= 3, "said again and again"
    await allow(strict, rig.prefix, Operation.WRITE)
    await sending
    report = await rig.made_good()
    assert report.duplicates == 0


async def test_settings_that_may_not_be_read_are_said_to_be_unknown_and_no_more(rig, strict):
    await allow(strict, rig.prefix, *LOOK, Operation.WRITE)
    await until_async(lambda: rig.server.logged("kafka connected"), what="Kafka to let us in")
    rig.stop()
    rig.start()
    await until_async(lambda: rig.server.logged("kafka connected"), what="Kafka to let us in")
    said = [line["finding"] for line in rig.server.logged("kafka topic")]
    assert len(said) == 2
    assert all("settings cannot be read; allow DESCRIBE_CONFIGS on it" in text for text in said)
    await rig.send(100, 0.5)
    await rig.made_good()
