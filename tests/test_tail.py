"""`ingest tail` as its users run it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.config import Config, Delivery, Kafka
from ingest.config import Store as StoreConfig
from ingest.log.batch import Batch, Record
from ingest.log.kafka import KafkaSink
from ingest.log.rejected import DIRECTORY, RejectedWriter
from ingest.log.rejected_files import RejectedFiles
from ingest.log.sink import Sink
from ingest.log.store import Store
from tests.support.kafka import Broker
from tests.support.server import clean_environment
from tests.support.stored import NOON
from tests.support.tail import tail_events, tail_topic
from tests.support.wait import until, until_async


def _batch(*numbers: int, partition: int = 0) -> Batch:
    made = Batch(os.urandom(16), partition, 0.0)
    for number in numbers:
        made.add(Record(b"site", b'{"n":%d}' % number, NOON), lambda _: None)
    return made


async def _write(sink: Sink, *batches: Batch) -> None:
    await until_async(lambda: sink.ready)
    for batch in batches:
        await sink.write(batch)


async def _store(data_dir: Path, *batches: Batch) -> None:
    store = Store(data_dir / "store", StoreConfig())
    await store.start()
    await _write(store, *batches)
    await store.close()


def _numbers(events: list[dict[str, int]]) -> list[int]:
    return [event["n"] for event in events]


class _Tail:
    """A running `ingest tail` whose output goes to a file."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    def numbers(self) -> list[int]:
        return [json.loads(line)["n"] for line in self._output.read_bytes().splitlines()]

    def wait_for(self, *numbers: int) -> None:
        until(lambda: self.numbers() == [*numbers], what=f"{numbers}, not {self.numbers()}")


@contextmanager
def _following(output: Path, *flags: str) -> Iterator[_Tail]:
    with output.open("wb") as opened:
        command = [sys.executable, "-m", "ingest", "tail", *flags]
        process = subprocess.Popen(command, stdout=opened, env=clean_environment())
    try:
        yield _Tail(process, output)
    finally:
        process.kill()
        process.wait()


async def test_prints_the_store_to_its_end_also_while_a_server_has_it(tmp_path: Path) -> None:
    await _store(tmp_path, _batch(1, 2))
    store = Store(tmp_path / "store", StoreConfig())
    await store.start()
    await _write(store, _batch(3))
    assert _numbers(await asyncio.to_thread(tail_events, tmp_path)) == [1, 2, 3]
    await store.close()


async def test_follows_the_store(tmp_path: Path) -> None:
    await _store(tmp_path, _batch(1))
    with _following(tmp_path / "out", "--data-dir", str(tmp_path)) as tail:
        await asyncio.to_thread(tail.wait_for, 1)
        await _store(tmp_path, _batch(2))  # as by a restart: another segment
        await asyncio.to_thread(tail.wait_for, 1, 2)


async def test_from_now_leaves_out_what_was_there(tmp_path: Path) -> None:
    await _store(tmp_path, _batch(1))
    assert tail_events(tmp_path, "--from", "now") == []


async def test_ctrl_c_ends_it_without_a_traceback(tmp_path: Path) -> None:
    await _store(tmp_path, _batch(1))
    command = [sys.executable, "-m", "ingest", "tail", "--data-dir", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b'{"n":1}\n'
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read() == b""


async def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    await _store(tmp_path, *(_batch(*range(2_000)) for _ in range(20)))
    shell = f"{sys.executable} -m ingest tail --no-follow --data-dir {tmp_path} | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell],
        capture_output=True,
        env=clean_environment(),
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b'{"n":0}\n', b"")


def test_a_directory_that_does_not_exist_is_said(tmp_path: Path) -> None:
    assert "does not exist" in _failure("--data-dir", str(tmp_path / "none"))
    assert f"{tmp_path}/store does not exist" in _failure("--data-dir", str(tmp_path))


def _failure(*flags: str) -> str:
    command = [sys.executable, "-m", "ingest", "tail", "--no-follow", *flags]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=clean_environment(), check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("ingest: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_follows_rejected_events_over_files_that_come_and_go(tmp_path: Path) -> None:
    assert tail_events(tmp_path, "--topic", "rejected") == []
    files = RejectedFiles(tmp_path / DIRECTORY, 200, lambda: NOON)
    files.write([b'{"n":1}', b'{"n":2}'])
    assert _numbers(tail_events(tmp_path, "--topic", "rejected")) == [1, 2]
    flags = ("--data-dir", str(tmp_path), "--topic", "rejected")
    with _following(tmp_path / "out", *flags) as tail:
        tail.wait_for(1, 2)
        for number in range(3, 60):
            files.write([b'{"n":%d}' % number])
            tail.wait_for(*range(1, number + 1))
    files.close()


def test_a_rejected_event_that_is_being_written_waits_for_its_end(tmp_path: Path) -> None:
    (tmp_path / DIRECTORY).mkdir()
    file = tmp_path / DIRECTORY / "2024-11-24-0001.jsonl"
    file.write_bytes(b'{"n":1}\n{"n"')
    flags = ("--data-dir", str(tmp_path), "--topic", "rejected")
    with _following(tmp_path / "out", *flags) as tail:
        tail.wait_for(1)
        with file.open("ab") as opened:
            opened.write(b":2}\n")
        tail.wait_for(1, 2)


def _on_kafka(broker: Broker) -> Kafka:
    prefix = broker.topic_prefix()
    return Kafka(bootstrap_servers=(broker.bootstrap,), topic_prefix=prefix, partitions=2)


def _flags(config: Kafka) -> tuple[str, ...]:
    [server] = config.bootstrap_servers
    return "--kafka", server, "--set", f"kafka.topic_prefix={config.topic_prefix}"


@pytest.mark.kafka
async def test_prints_and_follows_all_partitions_of_the_topic(
    kafka: Broker, tmp_path: Path
) -> None:
    config = _on_kafka(kafka)
    sink = KafkaSink(config, Delivery(timeout=5))
    await sink.start()
    await _write(sink, _batch(1, 2), _batch(3, partition=1))
    found = await asyncio.to_thread(tail_topic, kafka.bootstrap, config.topic_prefix)
    assert sorted(_numbers(found)) == [1, 2, 3]
    with _following(tmp_path / "out", *_flags(config)) as tail:
        await until_async(lambda: sorted(tail.numbers()) == [1, 2, 3])
        await _write(sink, _batch(4))
        await until_async(lambda: sorted(tail.numbers()) == [1, 2, 3, 4])
    from_now = await asyncio.to_thread(
        tail_topic, kafka.bootstrap, config.topic_prefix, "--from", "now"
    )
    assert from_now == []
    await sink.close()


@pytest.mark.kafka
async def test_prints_rejected_events_from_kafka(kafka: Broker, tmp_path: Path) -> None:
    config = _on_kafka(kafka)
    writer = RejectedWriter(Config(data_dir=tmp_path, kafka=config))
    await writer.start()
    writer.offer(b"site", b'{"n":1}', NOON)
    await until_async(lambda: writer.counts.written)
    await writer.close()
    found = tail_topic(kafka.bootstrap, config.topic_prefix, "--topic", "rejected")
    assert _numbers(found) == [1]


@pytest.mark.kafka
def test_a_topic_or_a_broker_that_is_missing_is_said(kafka: Broker) -> None:
    config = _on_kafka(kafka)
    assert f"topic {config.topic('events')} does not exist" in _failure(*_flags(config))
    assert "127.0.0.1:1: connection refused" in _failure("--kafka", "127.0.0.1:1")
