"""Rejected events on disk and on Kafka: kept as long as there is room, in nobody's way."""

import asyncio
import itertools
import json
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from ingest.config import Config, Kafka, Rejected
from ingest.log import rejected
from ingest.log.kafka_client import admin_client
from ingest.log.rejected import DIRECTORY, RejectedWriter
from ingest.log.rejected_files import FileName, RejectedFiles, rejected_files
from ingest.log.sink import SinkTimeout
from ingest.log.topics import create_missing
from tests.support.kafka import Broker
from tests.support.stored import NOON
from tests.support.wait import until_async

_DAY_MS = 86_400_000


def _config(directory: Path, **more: int) -> Config:
    return Config(data_dir=directory, rejected=Rejected(**more))


@asynccontextmanager
async def _writer(config: Config) -> AsyncIterator[RejectedWriter]:
    writer = RejectedWriter(config, lambda: NOON)
    await writer.start()
    try:
        yield writer
    finally:
        await writer.close()


def _lines(directory: Path) -> Iterator[bytes]:
    for name in rejected_files(directory):
        yield from (directory / str(name)).read_bytes().splitlines()


def _size(directory: Path) -> int:
    return sum((directory / str(name)).stat().st_size for name in rejected_files(directory))


async def test_events_are_lines_of_a_file_of_the_day(tmp_path: Path) -> None:
    async with _writer(_config(tmp_path)) as writer:
        for number in range(500):
            writer.offer(b"site", b'{"n":%d}' % number, NOON)
        await until_async(lambda: writer.counts.written == 500)
    [name] = rejected_files(tmp_path / DIRECTORY)
    assert str(name) == "2024-11-24-0001.jsonl"
    assert [json.loads(line)["n"] for line in _lines(tmp_path / DIRECTORY)] == [*range(500)]
    mode = stat.S_IMODE((tmp_path / DIRECTORY / str(name)).stat().st_mode)
    assert not mode & 0o007


async def test_what_waits_at_the_stop_is_written(tmp_path: Path) -> None:
    async with _writer(_config(tmp_path)) as writer:
        writer.offer(b"", b'{"n":1}', NOON)
    assert [*_lines(tmp_path / DIRECTORY)] == [b'{"n":1}']
    assert (writer.counts.written, writer.counts.dropped) == (1, 0)


async def test_above_the_bound_events_are_dropped_and_counted(tmp_path: Path) -> None:
    async with _writer(_config(tmp_path, max_waiting=10_000)) as writer:
        for _ in range(1_000):
            writer.offer(b"site", b"x" * 100, NOON)
        assert 900 <= writer.counts.dropped < 1_000
    assert writer.counts.written + writer.counts.dropped == 1_000


async def test_a_directory_that_cannot_be_written_costs_only_the_rejected(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / DIRECTORY).write_text("a file is in the way")
    async with _writer(_config(tmp_path)) as writer:
        for _ in range(2):
            writer.offer(b"site", b"{}", NOON)
            dropped = writer.counts.dropped
            await until_async(lambda before=dropped: writer.counts.dropped > before)
    assert writer.counts.dropped == 2
    said = [line for line in caplog.records if line.message == "rejected events cannot be kept"]
    assert len(said) == 1


@given(
    st.integers(0, 2_000),
    st.lists(st.lists(st.binary(max_size=200).map(lambda raw: raw.hex().encode()), max_size=8)),
)
def test_the_files_stay_within_their_bytes_and_the_newest_lines_stay(
    tmp_path_factory: pytest.TempPathFactory, limit: int, batches: list[list[bytes]]
) -> None:
    directory = tmp_path_factory.mktemp("rejected")
    files = RejectedFiles(directory, limit, lambda: NOON)
    fitting: list[bytes] = []
    for batch in batches:
        fits = [line for line in batch if len(line) + 1 <= limit // 4]
        assert files.write(batch) == len(batch) - len(fits)
        fitting += fits
        assert _size(directory) <= limit
    kept = [*_lines(directory)]
    assert kept == fitting[len(fitting) - len(kept) :]
    if len(kept) < len(fitting):  # what went had to go: at least half of the room is used
        assert _size(directory) > limit // 4
    files.close()


def test_every_day_has_its_file_and_goes_after_twenty(tmp_path: Path) -> None:
    now = NOON
    files = RejectedFiles(tmp_path, 1 << 20, lambda: now)
    for _ in range(30):
        files.write([b"%d" % now])
        now += _DAY_MS
    now -= _DAY_MS // 2  # midnight: the next day has just begun
    files.tidy()
    assert min(int(line) for line in _lines(tmp_path)) >= now - 20 * _DAY_MS
    assert len(rejected_files(tmp_path)) == 19
    now += 30 * _DAY_MS
    files.tidy()
    assert rejected_files(tmp_path) == []
    files.write([b"a new one is begun"])
    assert [*_lines(tmp_path)] == [b"a new one is begun"]
    files.close()


def test_a_restart_never_appends_to_a_torn_line(tmp_path: Path) -> None:
    first = RejectedFiles(tmp_path, 1 << 20, lambda: NOON)
    first.write([b'{"whole":1}'])
    first.close()
    [name] = rejected_files(tmp_path)
    os.truncate(tmp_path / str(name), 5)
    second = RejectedFiles(tmp_path, 1 << 20, lambda: NOON)
    second.write([b'{"whole":2}'])
    second.close()
    assert [*_lines(tmp_path)] == [b'{"who', b'{"whole":2}']


def test_other_files_in_the_directory_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "2024-11-24-1.jsonl", "2024-13-24-0001.jsonl", "x-0001.jsonl"):
        (tmp_path / name).touch()
        assert FileName.parse(name) is None
    files = RejectedFiles(tmp_path, 0, lambda: NOON)
    files.tidy()
    files.write([b"no room"])
    assert len([*tmp_path.iterdir()]) == 4


async def _on_topic(config: Kafka) -> list[tuple[bytes, int, dict[str, bytes]]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=list(config.bootstrap_servers))
    await consumer.start()
    try:
        partitions = [TopicPartition(config.topic("rejected"), n) for n in range(config.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        found = []
        for partition, end in (await consumer.end_offsets(partitions)).items():
            while await consumer.position(partition) < end:
                record = await consumer.getone(partition)
                found.append((record.value, record.timestamp, dict(record.headers)))
        return sorted(found)
    finally:
        await consumer.stop()


def _kafka_config(broker: Broker, directory: Path) -> Config:
    kafka = Kafka(bootstrap_servers=(broker.bootstrap,), topic_prefix=broker.topic_prefix())
    return Config(data_dir=directory, kafka=kafka)


@pytest.mark.kafka
async def test_with_kafka_they_go_to_their_topic(kafka: Broker, tmp_path: Path) -> None:
    config = _kafka_config(kafka, tmp_path)
    async with _writer(config) as writer:
        for number in range(300):
            writer.offer(b"site-%d" % number, b"%03d" % number, NOON)
        await until_async(lambda: writer.counts.written == 300)
    headers = {"schema": b"rejected/1", "content-type": b"application/json"}
    found = await _on_topic(config.kafka)
    assert found == [(b"%03d" % number, NOON, headers) for number in range(300)]
    assert not (tmp_path / DIRECTORY).exists()


@pytest.mark.kafka
async def test_while_kafka_is_away_they_wait_up_to_the_bound(
    own_broker: Broker, tmp_path: Path
) -> None:
    broker = own_broker
    broker.kill()
    config = _kafka_config(broker, tmp_path)
    async with _writer(config) as writer:
        writer.offer(b"site", b"early", NOON)
        broker.start()
        writer.offer(b"site", b"late", NOON)
        await until_async(lambda: writer.counts.written == 2)
    assert [found[0] for found in await _on_topic(config.kafka)] == [b"early", b"late"]


@pytest.mark.kafka
async def test_what_fails_before_anything_is_sent_costs_no_event(
    kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = itertools.count()

    async def late_at_first(*given: Any) -> object:
        if next(tries) == 0:
            raise SinkTimeout("as a busy broker is")
        return await create_missing(*given)

    monkeypatch.setattr(rejected, "create_missing", late_at_first)
    config = _kafka_config(kafka, tmp_path)
    async with _writer(config) as writer:
        writer.offer(b"site", b"early", NOON)
        await until_async(lambda: writer.counts.written == 1)
    assert writer.counts.dropped == 0


@pytest.mark.kafka
async def test_a_topic_that_is_deleted_meanwhile_costs_no_event(
    kafka: Broker, tmp_path: Path
) -> None:
    config = _kafka_config(kafka, tmp_path)
    async with _writer(config) as writer:
        writer.offer(b"site", b"before", NOON)
        await until_async(lambda: writer.counts.written == 1)
        link = writer._outlet._link
        await _delete_topic(config.kafka)
        while link.partitions:  # as it comes to be by itself every minute
            await link._producer.client.force_metadata_update()
        writer.offer(b"site", b"after", NOON)
        await until_async(lambda: writer.counts.written == 2)
    assert writer.counts.dropped == 0
    assert [found[0] for found in await _on_topic(config.kafka)] == [b"after"]


async def _delete_topic(config: Kafka) -> None:
    async with admin_client(config) as admin:
        await admin.delete_topics([config.topic("rejected")])


async def test_closing_is_bounded_while_kafka_is_away(tmp_path: Path) -> None:
    kafka = Kafka(bootstrap_servers=("127.0.0.1:1",))
    async with asyncio.timeout(10), _writer(Config(data_dir=tmp_path, kafka=kafka)) as writer:
        writer.offer(b"site", b"never", NOON)
        await asyncio.sleep(0)
    assert writer.counts.dropped == 1
