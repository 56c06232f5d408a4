"""The arithmetic of comparing two runs."""

import pytest

from benchmarks.compare import differences, main
from benchmarks.saved import Saved
from tests.benchmarks.canned import OURS, RUST, saved


def test_ratios_of_two_runs_are_compared_not_times():
    found = list(differences(saved(), saved(1.2)))
    by = {(each.load, each.server): each for each in found}
    ours = by["saturation: 512 connections", OURS]
    assert (ours.before, ours.after) == pytest.approx((3.0, 3.6))
    assert ours.share == pytest.approx(0.2)
    assert not ours.within
    assert by["saturation: 512 connections", RUST].within
    assert all(each.server in {OURS, RUST} for each in found)


def test_the_report_marks_what_is_farther_than_the_aim(tmp_path, capsys):
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    for path, factor in zip(paths, (1.0, 1.2), strict=True):
        path.write_text(saved(factor).as_json())
    assert main([str(path) for path in paths]) == 0
    said = capsys.readouterr().out
    assert f"| saturation: 512 connections | {OURS} | 3.00 | 3.60 | +20% ** |" in said
    assert f"| saturation: 512 connections | {RUST} | 4.00 | 4.00 | +0% |" in said
    assert "6 of 8 within 10%" in said
    assert "Not of one" not in said


def test_runs_of_two_machines_are_said_to_be(tmp_path, capsys):
    run = saved()
    other = Saved(run.about | {"machine": {"cpu": "Another"}}, run.cells, run.extras)
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    paths[0].write_text(run.as_json())
    paths[1].write_text(other.as_json())
    assert main([str(path) for path in paths]) == 0
    said = capsys.readouterr().out
    assert "Not of one machine: A processor with 2 cores, Another with None cores." in said


def test_other_commits_partitions_and_gaps_are_told_and_what_only_one_run_has(tmp_path):
    run = saved()
    about = run.about | {"commit": "fedcba", "effort": {"partitions": 8}, "missed": ["round 2: no"]}
    about["machine"] = run.about["machine"] | {"load_before": 9.0}
    fewer = [cell for cell in run.cells if (cell.scenario, cell.server) != ("latency", RUST)]
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    paths[0].write_text(run.as_json())
    paths[1].write_text(Saved(about, fewer, run.extras).as_json())
    assert main([*map(str, paths), "--out", str(tmp_path / "compare.md")]) == 0
    said = (tmp_path / "compare.md").read_text()
    assert "Not of one commit: 0123456789abcdef, fedcba." in said
    assert "Not of one partitions: None, 8." in said
    assert "In the second run the machine was busy with other things" in said
    assert "The second run is partial: round 2: no." in said
    assert f"Only in the first run: latency: 1,000/s, {RUST}; latency: 2,000/s, {RUST}." in said
    assert "the median difference is 0%" in said


def test_runs_with_nothing_in_common_are_refused(tmp_path, capsys):
    path, empty = tmp_path / "a.json", tmp_path / "b.json"
    path.write_text(saved().as_json())
    empty.write_text(Saved({}, []).as_json())
    assert main([str(path), str(empty)]) == 2
    assert "no server under the same load" in capsys.readouterr().err
