"""The arithmetic of the report. Nothing here is timed."""

import json

import pytest

from benchmarks.report import YARDSTICK, beside, how, markdown, memory, rows, spread
from benchmarks.saved import NoResults, Saved
from benchmarks.scenarios.cell import Cell
from benchmarks.scenarios.extras import Extras
from benchmarks.scenarios.warm import Warmth
from tests.benchmarks import canned


def _cell(server: str, number: int, cpu: float, **more) -> Cell:
    return Cell("saturation", "64 connections", server, number, 1_000, cpu, 0.5, {}, **more)


def _cells() -> list[Cell]:
    kafka = {"partitions": 4, "confirmed": 1_000, "found": 1_000}
    return [
        _cell(YARDSTICK, 1, 0.010),
        _cell("ours", 1, 0.040, batches=10, **kafka),
        _cell(YARDSTICK, 2, 0.020),
        _cell("ours", 2, 0.050, batches=20, **kafka),
    ]


def test_costs_are_per_ping_and_ratios_within_a_round():
    yard, ours = rows(_cells())
    assert [cell.cost for cell in ours.cells] == pytest.approx([40, 50])
    assert ours.ratios == pytest.approx([4, 2.5])
    assert yard.ratios == pytest.approx([1, 1])
    assert [cell.batch_events for cell in ours.cells] == [100, 50]


def test_the_table_says_least_median_and_most():
    assert spread([3, 1, 2]) == "1.0–2.0–3.0"
    line = "| ours | 40.0–45.0–50.0 | 2.50–3.25–4.00 | 2,000 | 4 | 50–75–100 | 0 |"
    assert line in markdown(_cells())


def test_without_the_yardstick_there_is_no_ratio():
    assert "| ours | 40.0–45.0–50.0 | – |" in markdown(_cells()[1::2])


def test_a_rate_that_the_generator_could_not_outrun_is_a_lower_bound():
    cells = [*_cells(), _cell("fast", 1, 0.01, doubts=["busy"]), _cell("fast", 2, 0.01)]
    assert "| ≥ 2,000 |" in next(line for line in markdown(cells).splitlines() if "fast" in line)


def test_latencies_are_told_where_the_clock_set_the_rate_and_the_generator_kept_it():
    times = {"p50": 1.0, "p99": 2.0, "p99.9": 3.0}
    good = [_cell("ours", number, 0.01, latency_ms=times) for number in (1, 2)]
    late = _cell("ours", 3, 0.01, latency_ms=dict.fromkeys(times, 999.0), doubts=["late"])
    table = markdown([*good, late])
    assert "p99.9, ms" in table
    assert "| 1.00–1.00–1.00 | 2.00–2.00–2.00 | 3.00–3.00–3.00 |" in table
    assert "| not told | not told | not told |" in markdown([late])
    assert "ms |" not in markdown(_cells())


def test_lost_is_what_was_confirmed_and_not_found():
    assert _cell("ours", 1, 0.1, confirmed=10, found=8).lost == 2
    assert _cell("ours", 1, 0.1, confirmed=10, found=11).lost == 0
    assert _cell("ours", 1, 0.1, found=11).lost is None
    assert _cell("ours", 1, 0.1, confirmed=10).lost is None


def test_the_json_holds_every_cell():
    said = json.loads(Saved({"seed": 1}, _cells()).as_json())
    assert said["about"] == {"seed": 1}
    assert [cell["cost_us"] for cell in said["cells"]] == pytest.approx([10, 40, 20, 50])
    assert said["cells"][1]["lost"] == 0


def test_a_report_is_read_again_as_it_was_written(tmp_path):
    cells = [_cell("ours", 1, 0.1, memory=[(0.0, 5), (1.5, 6)], stored_bytes=7, connections=8)]
    saved = Saved({"seed": 1}, cells, Extras({"ours": [1.0]}, [2.0], 3.0, 4.0))
    path = tmp_path / "report.json"
    path.write_text(saved.as_json())
    assert Saved.load(path) == saved


@pytest.mark.parametrize("text", ["", "[]", '{"cells": []}', '{"about": {}, "cells": [{}]}'])
def test_what_holds_no_results_is_named(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(NoResults, match=r"other\.json"):
        Saved.load(path)


def test_memory_is_told_from_first_to_last():
    sizes = [(0.0, 50_000_000), (30.0, 61_000_000), (60.0, 60_000_000)]
    line = "| ours | 64 connections | 60 | 50.0 | 61.0 | 60.0 | 61.0 |"
    assert line in memory([_cell("ours", 1, 0.1, memory=sizes)])
    assert memory(_cells()) == ""


def test_start_up_and_counting_are_told_with_their_spread():
    text = beside(Extras({"ours": [0.5, 0.4, 0.9]}, [90_000, 100_000, 80_000]))
    assert "| ours | 0.40–0.50–0.90 |" in text
    assert "80,000–90,000–100,000" in text
    assert beside(Extras()) == ""


def test_how_servers_were_warmed_what_is_missing_and_what_was_left_out_are_told():
    warmth = Warmth("ours", 14_000, 5.25, [120.0, 44.0, 41.0, 40.0], True, 0)
    about = {
        "effort": {"warm_up": 0.5},
        "warm_up": [warmth.as_dict()],
        "missed": ["round 2 of x: ours: it ended"],
        "left_out": ["latency: 500/s"],
    }
    text = how(Saved(about, _cells()))
    assert "| ours | 14,000 | 5.2 | 120.0 | 41.0, 40.0 | yes |" in text
    assert "A cell lasts 0.5 s as a rule, after 0.5 s of its load." in text
    assert "**Partial.** Not measured:\n\n- round 2 of x: ours: it ended" in text
    assert "- latency: 500/s" in text
    assert how(Saved({}, _cells())) == ""


def test_where_it_was_measured_stands_on_top_and_how_python_and_we_were_built():
    about = canned.saved().about | {
        "python": "3.11.2",
        "profile_guided": False,
        "compiled": False,
        "kafka": "Apache Kafka 4.1.0, Java 17.0.15",
    }
    text = how(Saved(about, _cells()))
    assert text.startswith("A processor, 2 cores, ? GB, Linux ?, load 0.2 before.")
    assert "Python 3.11.2, **not profile-guided**, **not compiled**; Apache Kafka 4.1.0" in text
    assert "Java 17.0.15, ? partitions." in text
    assert "Commit 0123456789abcdef, 2026-11-24" in text
