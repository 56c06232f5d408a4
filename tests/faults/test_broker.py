"""The broker fails in every way it can; nothing that was confirmed is lost."""

import asyncio
import shutil
import signal

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.faults.rig import FULL, HELD, PATIENT, Rig
from tests.support.kafka import PASSWORD, USER
from tests.support.raw import request
from tests.support.tail import tail_events
from tests.support.tmpfs import small_disk
from tests.support.wait import until, until_async

pytestmark = pytest.mark.kafka


@pytest.fixture
def rig(tmp_path, own_broker):
    made = Rig(tmp_path, own_broker)
    yield made
    made.server.kill()


async def test_without_a_fault_there_are_no_duplicates_and_nothing_is_spooled(tmp_path, own_broker):
    rig = Rig(tmp_path, own_broker, PATIENT)
    try:
        await until_async(lambda: rig.server.logged("kafka connected"), what="Kafka to be there")
        await rig.send(200, 2)
        report = await rig.all_stored()
        assert report.duplicates == 0
        assert rig.metric("beacon_events_spooled_total") == 0
        assert rig.metric("beacon_events_direct_total") == report.found
    finally:
        rig.server.kill()


async def test_broker_killed_under_load_and_started_again(rig):
    sending = asyncio.ensure_future(rig.send(150, 6))
    await asyncio.sleep(1)
    await asyncio.to_thread(rig.broker.kill)
    await asyncio.sleep(2)
    await rig.broker_up()
    await sending
    await rig.made_good()
    assert rig.metric("beacon_events_spooled_total") > 0


async def test_broker_that_stands_still_costs_time_and_no_event(rig):
    stall = 60 if FULL else 3
    sending = asyncio.ensure_future(rig.send(150, stall + 2))
    await asyncio.sleep(1)
    rig.broker.pause()
    await asyncio.sleep(stall)
    rig.broker.resume()
    await sending
    await rig.made_good()


async def test_broker_away_at_the_start_and_there_later(tmp_path, own_broker):
    own_broker.kill()
    rig = Rig(tmp_path, own_broker, PATIENT)
    try:
        assert request(rig.server.admin_url, "/readyz").status == 200
        await rig.send(100, 1)
        assert rig.metric("beacon_spool_events_waiting") == len(rig.answers.sent)
        await rig.broker_up()
        report = await rig.made_good()
        assert report.duplicates == 0
    finally:
        rig.server.kill()


async def test_collector_killed_with_a_full_spool_replays_it_at_the_next_start(rig):
    await asyncio.to_thread(rig.broker.kill)
    sending = asyncio.ensure_future(rig.send(150, 2))
    await asyncio.sleep(1)
    rig.server.kill()
    await sending
    await rig.broker_up()
    rig.start()
    await rig.drained()
    report = await rig.report()
    assert report.confirmed > 50
    assert rig.metric("beacon_spool_events_waiting_at_start") > 0


@pytest.mark.parametrize("state", ["up", "stalled", "away"])
async def test_sigterm_under_load_answers_and_stores_what_was_taken(rig, state):
    with rig.holding() as held:
        sending = asyncio.ensure_future(rig.send(150, 2))
        await asyncio.sleep(0.5)
        if state == "stalled":
            rig.broker.pause()
        elif state == "away":
            await asyncio.to_thread(rig.broker.kill)
        await asyncio.sleep(0.5)
        await rig.ended_by_sigterm(held, sending)
    if state == "stalled":
        rig.broker.resume()
    elif state == "away":
        await rig.broker_up()
    rig.start()
    await rig.drained()
    report = await rig.report()
    assert set(report.outcomes) <= {"stored", "no answer"}  # none: the socket was closed already
    assert report.confirmed > 50


async def test_sigterm_with_a_deadline_longer_than_the_grace_stores_what_was_taken(
    tmp_path, own_broker
):
    rig = Rig(tmp_path, own_broker, ("--set", "delivery.timeout=60", "--set", "shutdown.grace=5"))
    try:
        await rig.send(50, 1)
        with rig.holding() as held:
            rig.broker.pause()
            held.end()  # so that they wait for Kafka when SIGTERM comes
            await until_async(lambda: rig.metric("beacon_events_in_flight") >= HELD)
            sending = asyncio.ensure_future(rig.send(50, 1))
            await asyncio.sleep(0.7)
            rig.server.signal(signal.SIGTERM)
            await asyncio.to_thread(rig.heard_of, held)
            await sending
            assert await asyncio.to_thread(rig.server.wait) == 0
        rig.broker.resume()
        rig.start()
        await rig.drained()
        report = await rig.report()
        assert set(report.outcomes) <= {"stored", "no answer"}  # none: the socket was closed
        assert report.confirmed > 60  # also some that were under way at the end
        assert report.outcomes["stored"] > 60
    finally:
        rig.server.kill()


@pytest.mark.timeout(600)
async def test_collector_killed_again_and_again_under_load(rig):
    for _ in range(20 if FULL else 3):
        sending = asyncio.ensure_future(rig.send(150, 1))
        await asyncio.sleep(0.7)
        rig.server.kill()
        await sending
        rig.start()
    await rig.drained()
    report = await rig.report()
    assert report.confirmed > 100


async def test_authentication_refused_spools_and_is_made_good_by_the_right_password(
    tmp_path, own_broker
):
    def login(password):
        return (
            "--kafka", own_broker.sasl,
            "--set", "kafka.security_protocol=SASL_PLAINTEXT",
            "--set", f"kafka.sasl_username={USER}",
            "--set", f"kafka.sasl_password={password}",
        )  # fmt: skip

    rig = Rig(tmp_path, own_broker, login("wrong"))
    try:
        await rig.send(100, 1)
        (said,) = rig.server.logged("kafka away")
        assert "authentication refused" in said["reason"]
        assert "wrong" not in rig.server.stderr_text()
        rig.stop()
        rig.options = login(PASSWORD)
        rig.start()
        await rig.made_good()
    finally:
        rig.server.kill()


async def test_second_server_on_the_same_spool_is_refused(rig):
    first, second = rig.server, rig.start(wait=False)
    try:
        assert await asyncio.to_thread(second.wait) == 1
        assert "in use" in second.stderr_text()
    finally:
        rig.server = first


async def test_spool_on_a_full_disk_sheds_and_is_really_emptied(tmp_path, own_broker):
    with small_disk(tmp_path / "data", 1 << 20):
        rig = Rig(tmp_path, own_broker, ("--set", "spool.segment_bytes=65536"))
        try:
            await asyncio.to_thread(own_broker.kill)
            free = shutil.disk_usage(tmp_path / "data").free
            (tmp_path / "data" / "ballast").write_bytes(bytes(free - 20 * 1024))
            await rig.send(400, 3)
            # One small batch may still fit where a larger one did not.
            answer = until(lambda: _shed(rig.ask("/p.gif?s=full")))
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) > 0
            until(lambda: request(rig.server.admin_url, "/readyz").status == 503)
            await rig.broker_up()
            await rig.drained()
            report = await rig.report()
            assert report.outcomes["shed"] > 0
            assert report.confirmed > 0
            rig.wait_for(lambda: rig.metric("beacon_spool_bytes") == 0)
            assert rig.ask("/p.gif?s=full").outcome == "stored"
        finally:
            rig.server.kill()


async def test_a_record_too_large_is_put_aside_and_its_neighbours_go_through(tmp_path, own_broker):
    prefix = own_broker.topic_prefix()
    await _create_topic(own_broker.bootstrap, f"{prefix}.events", {"max.message.bytes": "2500"})
    flags = ("--set", "kafka.compression=none", "--set", f"kafka.topic_prefix={prefix}")
    rig = Rig(tmp_path, own_broker, flags)
    rig.prefix = prefix
    try:
        large = b'{"s":"large","t":"%b","props":{"a":"%b"}}' % (b"\\u2713" * 512, b"\\u2713" * 256)
        sending = asyncio.ensure_future(rig.send(50, 2))
        await asyncio.sleep(0.5)
        answer = await asyncio.to_thread(rig.ask, "/e", "POST", large)
        assert (answer.status, answer.outcome) == (204, "stored")
        await sending
        await rig.made_good()
        assert rig.metric("beacon_spool_events_quarantined_total") == 1
        assert rig.metric("beacon_quarantine_bytes") > 0
        (aside,) = tail_events(rig.server.data_dir, "--topic", "quarantine")
        assert aside["event"]["site"] == "large"
        assert "too large" in aside["reason"]
        said = [line["finding"] for line in rig.server.logged("kafka topic")]
        assert any("takes 2500 bytes at once, and one event" in finding for finding in said)
    finally:
        rig.server.kill()


def _shed(answer):
    return answer if answer.outcome == "shed" else None


async def _create_topic(bootstrap, name, settings):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1, topic_configs=settings)])
    finally:
        await admin.close()
