"""Each server is as the reports say, on a real Kafka.

Those that `make test` installs must be there. The others come by `make test-peers`, which requires
them all (`PEERS=required`); without it one that is missing is skipped by name.
"""

import dataclasses
import os

import pytest

from benchmarks.peers.all import OURS, PEERS
from benchmarks.peers.build import BUILDS, build
from benchmarks.peers.check import check
from benchmarks.peers.collector import Collector, CollectorFar
from benchmarks.peers.command import table
from benchmarks.peers.nginx import Nginx, NginxRsyslog
from benchmarks.peers.peer import Does, Place
from benchmarks.peers.python import FastApi, Plain
from benchmarks.peers.telegraf import Telegraf
from benchmarks.scenarios.bench import DELAY

INSTALLED = [Nginx(), Plain(), FastApi(), *OURS]
BUILT = [NginxRsyslog(), Telegraf(), Collector()]
REQUIRED = os.environ.get("PEERS") == "required"


@pytest.mark.kafka
@pytest.mark.parametrize("peer", [*INSTALLED, *BUILT], ids=lambda peer: peer.name)
def test_a_server_does_what_is_said_of_it(peer, kafka, tmp_path):
    missing = peer.missing()
    if missing and peer in BUILT and not REQUIRED:
        pytest.skip(f"{missing}; make test-peers requires it")
    assert missing is None
    assert check(peer, kafka.bootstrap, kafka.topic_prefix(), tmp_path / "peer") == []


@pytest.mark.kafka
@pytest.mark.parametrize("claim", ["anonymises", "opts_out"])
def test_a_wrong_word_about_a_server_is_found(claim, kafka, tmp_path, monkeypatch):
    does = Plain.does
    turned = dataclasses.replace(does, **{claim: not getattr(does, claim)})
    monkeypatch.setattr(Plain, "does", turned)
    wrong = check(Plain(), kafka.bootstrap, kafka.topic_prefix(), tmp_path / "peer")
    assert len(wrong) == 1
    assert str(getattr(does, claim)) in wrong[0]


def test_every_server_is_held_to_what_is_said_of_it():
    names = sorted(peer.name for peer in (*INSTALLED, *BUILT))
    assert names == sorted(peer.name for peer in (*OURS, *PEERS))


def test_on_a_slow_kafka_the_collector_lingers_for_longer_than_a_word_there_and_back(tmp_path):
    place = Place(tmp_path, 1, "kafka:9092", "prefix")
    (near,), (far,) = (each.commands(place) for each in (Collector(), CollectorFar()))
    assert far[:-1] == near
    assert int(far[-1]) > 2 * DELAY * 1_000


def test_all_servers_have_a_name_of_their_own():
    names = [peer.name for peer in (*OURS, *PEERS)]
    assert len(set(names)) == len(names) == 10


def test_one_that_is_missing_is_named_with_the_way_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.peers.collector.PROGRAM", tmp_path / "not-there")
    said = table([Collector()])
    how = "not built: python -m benchmarks peers --build"
    assert f"| Rust axum + rdkafka | missing: {how} |" in said


def test_what_a_server_lacks_is_said_in_words():
    assert Does(True, True, True, True, True).lacks() == []
    assert "no opt-out" in Does(True, True, True, False, True).lacks()
    assert "answers before the ping is safe" in Does().lacks()


def test_a_build_whose_tool_is_missing_or_fails_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.peers.build.CACHE", tmp_path)
    broken = dataclasses.replace(
        BUILDS[0],
        name="broken",
        tool="sh",
        source=tmp_path,
        command=("sh", "-c", "echo no; exit 3"),
    )
    absent = dataclasses.replace(BUILDS[0], name="absent", tool="no-such-tool")
    monkeypatch.setattr("benchmarks.peers.build.BUILDS", (broken, absent))
    failed, missing = build()
    assert failed.startswith("broken: see ")
    assert failed.endswith("no")
    assert missing == "absent: no-such-tool is not installed"
