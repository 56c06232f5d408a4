"""A round of real measurements: our server and nginx, on a real Kafka, for a moment."""

import json
from dataclasses import replace

import pytest

from benchmarks.load.agents import POOL
from benchmarks.load.plan import Kind, Visits
from benchmarks.peers.all import FAULTY, OURS, PEERS
from benchmarks.peers.nginx import Nginx
from benchmarks.peers.ours import Ours, OursAlone, OursFar, OursStore
from benchmarks.peers.python import Plain
from benchmarks.python_build import is_profile_guided
from benchmarks.scenarios.bench import DELAY, bench, cases, rounds
from benchmarks.scenarios.command import EFFORTS, main
from benchmarks.scenarios.effort import Effort, Pace
from benchmarks.scenarios.machine import about
from benchmarks.scenarios.scenario import SCENARIOS, Form, Scenario, Setting, Turn, of_form
from benchmarks.scenarios.warm import Warmth
from ingest.compiled import is_compiled
from tests.support.cores import TWO_CORES

SHORT = Effort(rounds=1, seconds=0.3, warm_up=0.2, partitions=2, seed=1)
FEW = Visits(opt_outs=0.0, prepared=500)
NARROW = Scenario("narrow", "?", (Setting("8 connections", 8), Setting("100/s", 8, 100)), FEW)
ARRAYS = Scenario(
    "arrays", "?", (Setting("8", 8),), Visits(Kind.ARRAY, opt_outs=0.0, prepared=50), ours_only=True
)
OPT_OUTS = Scenario("out", "?", (Setting("8", 8),), Visits(opt_outs=1.0, prepared=500))


@TWO_CORES
@pytest.mark.kafka
def test_what_was_confirmed_is_found_at_every_server_and_in_every_form(tmp_path):
    peers = [Nginx(), Ours(), OursStore(), Plain()]
    with bench(peers, tmp_path, SHORT.partitions) as subjects:
        cells = list(rounds(subjects, [NARROW, ARRAYS, OPT_OUTS], SHORT))
    assert len(cells) == 4 * 2 + 2 + 4
    for cell in cells:
        assert cell.events > 0, cell
        assert cell.cpu_seconds >= 0
        if cell.confirmed is not None:
            assert cell.found == cell.confirmed, cell
    by = {(cell.scenario, cell.setting, cell.server): cell for cell in cells}
    ours = by["narrow", "100/s", Ours.name]
    assert (ours.confirmed, ours.partitions, ours.events) == (30, 2, 30)
    assert ours.latency_ms is not None
    assert ours.batches is not None
    assert ours.answers == {"200 stored": 30}
    assert by["narrow", "8 connections", Ours.name].latency_ms is None
    assert by["narrow", "100/s", Nginx.name].found is None
    assert by["arrays", "8", OursStore.name].confirmed % 10 == 0
    out = by["out", "8", Ours.name]
    assert (out.confirmed, out.found, set(out.answers)) == (0, 0, {"200 opted-out"})


@TWO_CORES
def test_a_server_is_measured_cold_and_then_warmed_before_its_rounds(tmp_path):
    cold = Scenario("cold", "?", (Setting("20", 8, limit=20),), FEW, turn=Turn.COLD)
    effort = replace(SHORT, warming=0.1)
    with bench([OursStore()], tmp_path, 1) as subjects:
        first, warmth, *rest = rounds(subjects, [NARROW, cold], effort)
    assert (first.scenario, first.events, first.found, first.lost) == ("cold", 20, 20, 0)
    assert (warmth.server, warmth.pings, warmth.lost) == (OursStore.name, POOL, 0)
    assert not warmth.steady  # the time was over after the first piece
    assert len(warmth.costs) == 1
    assert Warmth.from_dict(json.loads(json.dumps(warmth.as_dict()))) == warmth
    assert [cell.scenario for cell in rest] == ["narrow", "narrow"]


@TWO_CORES
def test_the_command_writes_a_report_for_people_and_for_programs(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.scenarios.scenario.SCENARIOS", (NARROW,))
    words = ["--quick", "--rounds", "1", "--seconds", "0.2", "--only", OursStore.name]
    assert main([*words, "--scenarios", "narrow", "--out", str(tmp_path / "out")]) == 0
    said = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [cell["server"] for cell in said["cells"]] == [Nginx.name, OursStore.name] * 2
    assert said["about"]["scenarios"] == ["narrow"]
    assert said["about"]["effort"]["seconds"] == 0.2
    text = (tmp_path / "out" / "report.md").read_text()
    assert "### narrow: 8 connections" in text
    assert text in capsys.readouterr().out


@TWO_CORES
@pytest.mark.kafka
def test_nothing_is_lost_on_a_slow_kafka_nor_without_one_and_memory_is_looked_at(tmp_path):
    one = (Setting("200/s", 8, 200),)
    faulty = Scenario("faulty", "?", one, FEW, servers=(OursFar.name, OursAlone.name), faulty=True)
    long = Scenario("long", "?", one, FEW, servers=(OursFar.name,), turn=Turn.LONG)
    effort = replace(SHORT, long_seconds=0.5)
    with bench([OursFar(), OursAlone()], tmp_path, effort.partitions) as subjects:
        pace = Pace(effort, 2, 60)
        far, alone, watched = rounds(subjects, [faulty, long], effort, pace)
    for cell in (far, alone, watched):
        assert cell.events > 0, cell
        # Not "==": a batch that a slow Kafka acknowledges too late is spooled, and there twice.
        assert cell.found >= cell.confirmed == cell.events, cell
        assert cell.stored_bytes > 0
    assert far.latency_ms["p50"] >= 2 * DELAY * 1e3  # no answer can be faster than the link
    assert (far.partitions, alone.partitions) == (2, 1)
    assert not far.memory
    assert len(watched.memory) >= 2
    assert all(size > 1_000_000 for _, size in watched.memory)


def test_a_name_outside_the_scenarios_has_no_part_and_a_form_only_its_own():
    names = {peer.name for peer in (*OURS, *PEERS, *FAULTY)}
    for scenario in SCENARIOS:
        assert set(scenario.servers) <= names
        assert set(scenario.recorded or ()) <= names
        assert set(scenario.quick or ()) <= names
    assert {scenario.name for scenario in of_form(Form.QUICK)} == {"saturation", "memory"}
    recorded = {scenario.name: scenario for scenario in of_form(Form.RECORD)}
    assert "one-ping" not in recorded
    assert [each.name for each in recorded["connections"].settings] == ["1,000 connections"]
    assert of_form(Form.FULL) == list(SCENARIOS)


@pytest.mark.parametrize("form", [[], ["--quick"], ["--record"]])
def test_the_plan_is_told_with_its_time_and_nothing_is_run(form, capsys):
    assert main([*form, "--plan"]) == 0
    said = capsys.readouterr().err
    assert "rounds of" in said
    assert "minutes, at most" in said
    assert "saturation" in said


@pytest.mark.parametrize("form", Form)
def test_a_form_takes_no_ratio_from_less_than_five_rounds(form):
    assert EFFORTS[form].rounds >= 5


def test_a_run_that_cannot_fit_is_refused_before_it_starts(capsys):
    with pytest.raises(SystemExit):
        main(["--minutes", "2"])
    assert "2 minutes are too few" in capsys.readouterr().err


def test_an_unknown_scenario_is_named_beside_the_known(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--scenarios", "saturation,none"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "'none'" in said
    assert "saturation" in said


def test_only_ours_is_asked_what_others_do_not_know():
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)
    assert [scenario.name for scenario in SCENARIOS if scenario.ours_only] == ["arrays"]
    assert cases([], SCENARIOS) == []


def test_a_report_says_the_machine_the_commit_and_what_is_missing(monkeypatch):
    monkeypatch.setattr(Nginx, "missing", lambda _self: "nginx is not installed")
    said = about([Nginx(), OursStore()])
    assert said["servers"][Nginx.name]["missing"] == "nginx is not installed"
    assert said["servers"][Nginx.name]["version"] is None
    assert said["servers"][OursStore.name]["does_not"] == ["no Kafka"]
    assert said["machine"]["cores"] >= 1
    assert said["machine"]["memory_gb"] > 0
    assert said["compiled"] is is_compiled()
    assert said["profile_guided"] is is_profile_guided()
    assert said["kafka"].startswith("Apache Kafka 4.")
    assert said["commit"]
