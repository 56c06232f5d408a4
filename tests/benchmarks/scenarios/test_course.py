"""A run of which a part fails, or that is stopped, keeps the rest and says what is missing."""

import json
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks.load.plan import Visits
from benchmarks.peers.ours import OursStore
from benchmarks.peers.peer import Does, Peer
from benchmarks.saved import Saved
from benchmarks.scenarios.command import main, write
from benchmarks.scenarios.course import Course
from benchmarks.scenarios.effort import Effort
from benchmarks.scenarios.scenario import Scenario, Setting
from benchmarks.scenarios.work import Stage, Work
from tests.benchmarks.canned import saved
from tests.support.cores import TWO_CORES
from tests.support.server import clean_environment
from tests.support.wait import until

pytestmark = TWO_CORES
NARROW = Scenario("narrow", "?", (Setting("8 connections", 8),), Visits(prepared=500))
SHORT = Effort(rounds=2, seconds=0.3, warm_up=0.2, partitions=1, seed=1)


class Stranger(Peer):
    """Knows nothing of pings: all are answered 404."""

    name = "stranger"
    does = Does()

    def missing(self):
        return None

    def version(self):
        return "-"

    def commands(self, place):
        words = ["-m", "http.server", str(place.port), "--bind", "127.0.0.1"]
        return [[sys.executable, *words, "--directory", str(place.directory)]]


class Stillborn(Stranger):
    name = "stillborn"

    def commands(self, place):
        return [[sys.executable, "-c", "raise SystemExit('no licence')"]]


def _run(peers, scenario=NARROW, kept=None) -> Saved:
    work = Work([Stage.of(peers, [scenario])], SHORT, 5, extras=False)
    keep = kept.append if kept is not None else lambda _saved: None
    return Course(work, {"effort": {"warm_up": SHORT.warm_up}}, keep).run()


def test_a_server_that_answers_badly_or_does_not_start_is_missing_and_the_rest_is_measured():
    kept = []
    found = _run([Stranger(), OursStore(), Stillborn()], kept=kept)
    assert [(cell.server, cell.round) for cell in found.cells] == [
        (OursStore.name, 1),
        (OursStore.name, 2),
    ]
    start, *rounds = found.missed
    assert start.startswith("all of stillborn: it did not start")
    assert "no licence" in start
    assert [line.partition(": no good answer")[0] for line in rounds] == [
        f"round {number} of narrow, 8 connections: stranger" for number in (1, 2)
    ]
    assert "404" in rounds[0]
    assert kept[-1] == found
    assert len(kept[0].cells) == 1  # after the first round's first cell, as all later rounds' too
    assert any("the run had not ended" in line for line in kept[0].missed)


def test_a_whole_run_misses_nothing():
    assert _run([OursStore()]).missed == []


def test_a_report_with_gaps_has_a_name_of_its_own_and_says_what_is_not_in_it(
    tmp_path, monkeypatch, capsys
):
    gap = replace(NARROW, servers=(Stranger.name, OursStore.name))
    monkeypatch.setattr("benchmarks.scenarios.scenario.SCENARIOS", (gap,))
    monkeypatch.setattr("benchmarks.scenarios.command.PEERS", (None, Stranger()))
    words = ["--rounds", "1", "--seconds", "0.2", "--warming", "0", "--scenarios", "narrow"]
    words += ["--only", f"{OursStore.name},{Stranger.name}", "--out", str(tmp_path)]
    (tmp_path / "report.json").write_text("of another run")
    assert main(words) == 1
    assert "**Partial.** Not measured:" in capsys.readouterr().out
    text = (tmp_path / "report.partial.md").read_text()
    assert "- round 1 of narrow, 8 connections: stranger: no good answer" in text
    assert Saved.load(tmp_path / "report.partial.json").missed
    assert (tmp_path / "report.json").read_text() == "of another run"
    write(saved(), [], tmp_path, "report")  # a run without gaps
    assert sorted(path.name for path in tmp_path.glob("report*")) == ["report.json", "report.md"]
    assert Saved.load(tmp_path / "report.json") == saved()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_keeps_what_it_has(how, tmp_path):
    words = ["--rounds", "500", "--seconds", "0.3", "--warming", "0", "--scenarios", "store-only"]
    words += ["--only", OursStore.name, "--out", str(tmp_path), "--name", "stopped"]
    with (tmp_path / "log").open("w") as log:
        run = subprocess.Popen(
            [sys.executable, "-m", "benchmarks", "run", *words],
            stdout=log, stderr=log, env=clean_environment(),
        )  # fmt: skip
    try:
        partial = tmp_path / "stopped.partial.json"
        until(lambda: partial.exists() or run.poll() is not None, 60, "a first round")
        run.send_signal(how)
        assert run.wait(30) == 1
    finally:
        run.kill()
    said = json.loads(partial.read_text())
    assert said["cells"]
    assert said["about"]["missed"] == ["what is not in the tables: the run was stopped"]
    assert "the run was stopped" in (tmp_path / "stopped.partial.md").read_text()
    assert not (tmp_path / "stopped.json").exists()
