"""`ingest quarantine` as operators run it, beside a server and on a real broker."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.support.kafka import Broker, run_tool
from tests.support.metrics import scrape
from tests.support.raw import request
from tests.support.server import clean_environment, start_server
from tests.support.tail import tail_events
from tests.support.wait import until

LARGE = b'{"s":"large","t":"%b","props":{"a":"%b"}}' % (b"\\u2713" * 512, b"\\u2713" * 256)
REASON = "too large for the topic's max.message.bytes"


@dataclass(frozen=True, slots=True)
class Said:
    """What the command said."""

    code: int
    out: str
    err: str


def _quarantine(action: str, *flags: str) -> Said:
    command = [sys.executable, "-m", "ingest", "quarantine", action, *flags]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=clean_environment(), check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture
async def narrow(kafka: Broker) -> str:
    """The prefix of an events topic that takes no large event."""
    prefix = kafka.topic_prefix()
    settings = {"max.message.bytes": "2500"}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(f"{prefix}.events", 2, 1, topic_configs=settings)])
    finally:
        await admin.close()
    return prefix


def _widen(kafka: Broker, topic: str) -> None:
    whom = ("--entity-type", "topics", "--entity-name", topic)
    change = ("--alter", *whom, "--add-config", "max.message.bytes=1048588")
    run_tool("kafka.admin.ConfigCommand", "--bootstrap-server", kafka.bootstrap, *change)


async def _read(kafka: Broker, topic: str, number: int):
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        return [await consumer.getone() for _ in range(number)]
    finally:
        await consumer.stop()


@pytest.mark.kafka
@pytest.mark.timeout(240)
async def test_what_was_refused_goes_to_kafka_once_the_topic_takes_it(
    tmp_path: Path, kafka: Broker, narrow: str
) -> None:
    topic = f"{narrow}.events"
    flags = ("--kafka", kafka.bootstrap, "--set", f"kafka.topic_prefix={narrow}")
    flags += ("--set", "kafka.compression=none")
    command = (*flags, "--data-dir", str(tmp_path / "data"))
    with start_server(tmp_path, *flags, "--set", "spool.min_free=0") as server:
        for _ in range(2):
            assert request(server.url, "/e", method="POST", body=LARGE).outcome == "stored"
        assert request(server.url, "/p.gif?s=large").outcome == "stored"
        put_aside = "beacon_spool_events_quarantined_total"
        until(lambda: scrape(server.admin_url)[put_aside] == 2, 60, "them to be put aside")
        listed = _quarantine("list", *command)
        assert (listed.code, listed.err) == (0, "")
        day, *rest = listed.out.rstrip("\n").split("\t")
        assert rest == ["large", REASON, "2"]
        assert len(day) == len("2024-11-24")
        beside = _quarantine("send", *command)
        assert beside.code == 1
        assert "in use by another process: stop the server" in beside.err
        server.terminate()
    kept = [each["event"] for each in tail_events(tmp_path / "data", "--topic", "quarantine")]
    again = _quarantine("send", *command)
    assert (again.code, again.out) == (1, "0 sent, 2 refused again, 0 not tried\n")
    assert _quarantine("list", *command).out == listed.out
    _widen(kafka, topic)
    sent = _quarantine("send", *command)
    assert (sent.code, sent.out) == (0, "2 sent, 0 refused again, 0 not tried\n"), sent.err
    assert _quarantine("list", *command).out == ""
    records = await _read(kafka, topic, 3)
    assert {record.key for record in records} == {b"large"}
    assert len({record.partition for record in records}) == 1
    assert len({record.headers for record in records}) == 1
    found = [json.loads(record.value) for record in records]
    assert all(event in found for event in kept)


def test_without_kafka_or_a_quarantine_it_says_so(tmp_path: Path) -> None:
    none = _quarantine("list", "--data-dir", str(tmp_path))
    assert none.code == 1
    assert "does not exist: no server with Kafka ran on it" in none.err
    said = _quarantine("send", "--data-dir", str(tmp_path))
    assert (said.code, said.out) == (1, "")
    assert "no Kafka is configured" in said.err


def test_an_empty_quarantine_is_said_and_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "quarantine").mkdir()
    listed = _quarantine("list", "--data-dir", str(tmp_path))
    assert (listed.code, listed.out) == (0, "")
    assert listed.err == "ingest: the quarantine is empty\n"


def test_kafka_that_is_away_is_said_and_nothing_is_touched(tmp_path: Path) -> None:
    (tmp_path / "quarantine").mkdir()
    said = _quarantine("send", "--data-dir", str(tmp_path), "--kafka", "127.0.0.1:1")
    assert said.code == 1
    assert "connection refused" in said.err
    assert list((tmp_path / "quarantine").iterdir()) == []
