"""Kafka is counted, over restarts and outages; who is there now is published and read."""

import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ingest.config import Kafka
from ingest.stats.answers import Answers
from ingest.stats.delay import LATE, Lag
from ingest.stats.follow_kafka import KafkaFollower
from ingest.stats.kafka_topics import create_now
from ingest.stats.keeper import Keeper
from ingest.stats.publish_now import NowPublisher
from ingest.stats.queries import MINUTE
from ingest.stats.read_now import NowReader
from ingest.stats.state import FILE
from ingest.stats.stats import Bounds
from tests.stats.kafka_topic import create, delete, produce, say
from tests.stats.support import SITE, Clock, event
from tests.support.kafka import Broker
from tests.support.wait import until_async

pytestmark = pytest.mark.kafka


@contextlib.asynccontextmanager
async def counting(config: Kafka, state: Path, clock: Clock) -> AsyncIterator[KafkaFollower]:
    state.mkdir(exist_ok=True)
    follower = KafkaFollower(config, Keeper(state, Bounds(), clock, save_every=0.05), clock)
    follower.start()
    try:
        yield follower
    finally:
        await follower.stop()


def counts_of(follower: KafkaFollower):
    return follower._keeper.stats.counts


async def all_counted(follower: KafkaFollower, events: int) -> None:
    await until_async(lambda: sum(follower.offsets.values()) >= events, 60, "all counted")


@pytest.fixture
async def config(kafka: Broker) -> Kafka:
    made = Kafka(bootstrap_servers=(kafka.bootstrap,), topic_prefix=kafka.topic_prefix())
    await create(made)
    return made


async def test_all_partitions_are_counted_once_over_restarts(config, tmp_path):
    clock = Clock()
    values = [event(visitor=number) for number in range(300)]
    await produce(config, values)
    async with counting(config, tmp_path / "state", clock) as follower:
        await all_counted(follower, 300)
        assert len(follower.offsets) == 3
        assert Answers(follower._keeper, follower.lag, clock).online(SITE) == 300
    await produce(config, [*values[:100], event(visitor=1_000)])
    async with counting(config, tmp_path / "state", clock) as follower:
        await all_counted(follower, 401)
        assert Answers(follower._keeper, follower.lag, clock).online(SITE) == 301
        assert counts_of(follower).duplicates == 100
        assert counts_of(follower).counted == 1


async def test_damaged_counts_are_made_anew_from_the_topic(config, tmp_path, caplog):
    """With the duplicates that it holds."""
    clock = Clock()
    values = [event(visitor=number) for number in range(300)]
    await produce(config, [*values, *values[:100]])
    async with counting(config, tmp_path / "state", clock) as follower:
        await all_counted(follower, 400)
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / FILE)) as connection:
        connection.execute("UPDATE ids SET data = zeroblob(length(data))")
        connection.commit()
    async with counting(config, tmp_path / "state", clock) as follower:
        await until_async(lambda: counts_of(follower).counted == 300, 60, "counted anew")
        await all_counted(follower, 400)
        assert counts_of(follower).duplicates == 100
        assert Answers(follower._keeper, follower.lag, clock).online(SITE) == 300
    assert "saved counts cannot be read: counting anew" in caplog.messages


async def test_a_record_that_is_no_event_holds_nothing_up(config, tmp_path, caplog):
    await produce(config, [b"no event", b"[]", event(), b"\xff", event(visitor=2)])
    async with counting(config, tmp_path / "state", Clock()) as follower:
        await all_counted(follower, 5)
        await until_async(lambda: counts_of(follower).bad == 3)
        assert counts_of(follower).counted == 2
    async with counting(config, tmp_path / "state", Clock()) as follower:
        assert sum(follower.offsets.values()) == 5
    said = [record for record in caplog.records if record.message == "a record cannot be counted"]
    assert len(said) == 1


async def test_a_topic_that_comes_later_is_counted_then(kafka, tmp_path):
    config = Kafka(bootstrap_servers=(kafka.bootstrap,), topic_prefix=kafka.topic_prefix())
    clock = Clock()
    async with counting(config, tmp_path / "state", clock) as follower:
        await create(config)
        await produce(config, [event()])
        await all_counted(follower, 1)
        await until_async(lambda: follower.lag.since is None)


async def test_during_an_outage_it_says_since_when_it_is_delayed(own_broker, tmp_path):
    broker = own_broker
    config = Kafka(bootstrap_servers=(broker.bootstrap,), topic_prefix=broker.topic_prefix())
    await create(config)
    await produce(config, [event()])
    clock = Clock()
    async with counting(config, tmp_path / "state", clock) as follower:
        await all_counted(follower, 1)
        broker.kill()
        before = clock.now
        clock.now += LATE + MINUTE
        await until_async(lambda: follower.lag.since == before, 60, "the delay")
        asked = Answers(follower._keeper, follower.lag, clock)
        assert asked.now(SITE).delayed_since == before
        broker.start()
        await produce(config, [event(visitor=2)])
        await all_counted(follower, 2)
        await until_async(lambda: follower.lag.since is None, 60, "no delay")


async def test_each_outage_is_said_once_and_its_end_too(own_broker, tmp_path, caplog):
    broker = own_broker
    caplog.set_level(logging.INFO, "ingest.stats")
    config = Kafka(bootstrap_servers=(broker.bootstrap,), topic_prefix=broker.topic_prefix())
    await create(config)
    await create_now(config)
    follows = ["events cannot be read from Kafka", "events are read from Kafka again"]
    reads = ["numbers of visitors cannot be read", "numbers of visitors are read again"]

    def said(words: list[str]) -> list[str]:
        return [line for line in caplog.messages if line in words]

    reader = NowReader(config)
    async with counting(config, tmp_path / "state", Clock()) as follower:
        await until_async(lambda: follower.lag.since is None, 60, "the events")
        broker.kill()
        await until_async(lambda: said(follows) == follows[:1], 60, "the outage")
        reader.start()
        try:
            await until_async(lambda: said(reads) == reads[:1], 60, "the reader's")
            broker.start()
            await until_async(lambda: said(follows) == follows, 60, "the end")
            await until_async(lambda: said(reads) == reads, 60, "the reader's end")
            broker.kill()
            await until_async(lambda: said(follows) == [*follows, follows[0]], 60, "another one")
        finally:
            await reader.stop()


async def test_numbers_are_published_when_they_change_and_read(config, tmp_path):
    clock = Clock()
    async with counting(config, tmp_path / "state", clock) as follower:
        answers = Answers(follower._keeper, follower.lag, clock)
        publisher, reader = NowPublisher(config, answers, clock, every=0.05), NowReader(config)
        publisher.start()
        reader.start()
        try:
            await produce(config, [event(visitor=1), event(visitor=2), event(site="other")])
            await until_async(lambda: reader.online(SITE) == 2, 60, "the number")
            await until_async(lambda: reader.online("other") == 1)
            assert reader.as_of == clock.now
            clock.now += 6 * MINUTE
            await until_async(lambda: reader.online(SITE) == 0, 20, "nobody")
        finally:
            await publisher.stop()
            await reader.stop()


class _Failing:
    """Numbers that cannot be had for a while."""

    current, delayed_since, failing = True, None, True

    def active(self) -> tuple[str, ...]:
        if self.failing:
            raise OSError("no numbers")
        return (SITE,)

    def online(self, _site: str) -> int:
        return 1


async def test_it_is_said_once_when_publishing_begins_to_fail_and_once_when_it_works_again(
    config, caplog
):
    caplog.set_level(logging.INFO, "ingest.stats.publish_now")
    numbers, bad, good = _Failing(), "visitors cannot be published", "visitors are published again"

    def said() -> list[str]:
        return [line for line in caplog.messages if line in (bad, good)]

    publisher = NowPublisher(config, numbers, Clock(), every=0.01)
    publisher.start()
    try:
        await until_async(lambda: said() == [bad], 60, "the failure")
        numbers.failing = False
        await until_async(lambda: said() == [bad, good], 60, "the end of it")
        numbers.failing = True
        await until_async(lambda: said() == [bad, good, bad], 60, "another failure")
    finally:
        await publisher.stop()


async def test_while_catching_up_no_numbers_are_published(config, tmp_path):
    """A hot copy's numbers stand there, and are right."""
    clock = Clock()
    await produce(config, [event()])
    async with counting(config, tmp_path / "state", clock) as follower:
        numbers, reader = Answers(follower._keeper, follower.lag, clock), NowReader(config)
        await until_async(lambda: numbers.current, 60)
        behind = Lag()
        late = NowPublisher(config, Answers(follower._keeper, behind, clock), clock, 0.05)
        late.start()
        reader.start()
        try:
            await until_async(lambda: reader.as_of == clock.now, 60, "a sign of life")
            assert reader.numbers == {}
            behind.caught_up(clock.now)
            await until_async(lambda: reader.online(SITE) == 1, 60, "the number")
        finally:
            await late.stop()
            await reader.stop()


async def test_what_an_earlier_run_published_does_not_stand_for_ever(config, tmp_path):
    clock = Clock()
    await produce(config, [event()])
    async with counting(config, tmp_path / "state", clock) as follower:
        publisher = NowPublisher(
            config, Answers(follower._keeper, follower.lag, clock), clock, 0.05
        )
        reader = NowReader(config)
        publisher.start()
        reader.start()
        await until_async(lambda: reader.online(SITE) == 1, 60)
        await publisher.stop()
    clock.now += 60 * MINUTE
    async with counting(config, tmp_path / "anew", clock) as follower:
        publisher = NowPublisher(
            config, Answers(follower._keeper, follower.lag, clock), clock, 0.05
        )
        publisher.start()
        await until_async(lambda: reader.online(SITE) == 0, 60, "nobody")
        await publisher.stop()
    await reader.stop()


async def test_a_number_whose_deletion_was_missed_does_not_stand_for_ever(config):
    """After a long silence nothing of before is on the topic any more: compacted away."""
    await create_now(config)
    await say(config, {SITE: 2})
    reader = NowReader(config, silence=0.0)
    reader.start()
    try:
        await until_async(lambda: reader.online(SITE) == 2, 60, "the number")
        await delete(config, "now")
        await until_async(lambda: create_now(config), 60, "the topic anew")

        async def nobody() -> bool:
            # Again and again: the first may yet be taken by the topic that is being deleted.
            await say(config, {"other": 1})
            return reader.online(SITE) == 0

        await until_async(nobody, 60, "nobody")
        await until_async(lambda: reader.online("other") == 1, 60, "another's number")
    finally:
        await reader.stop()
