"""Where the time goes: that all steps are there, and that a flame graph can be had."""

import os
import subprocess
import sys

import pytest

from benchmarks.profile import NoProfile, flame
from benchmarks.spine import COLLECT, steps, text


def test_every_step_of_the_spine_is_timed_over_varied_traffic(tmp_path):
    found = steps(tmp_path, pings=300, rounds=2)
    names = [step.name for step in found]
    assert names[0] == "parse the head"
    browser = "name the browser"
    assert {"consent", "anonymise the address", browser, COLLECT} <= set(names)
    assert names[-1] == "respond"
    assert all(len(step.microseconds) == 2 and min(step.microseconds) >= 0 for step in found)
    table = text(found).splitlines()
    assert len(table) == 2 + len(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="py-spy needs root to look at another process")
def test_a_server_under_load_gives_a_flame_graph(tmp_path):
    out = tmp_path / "flame.svg"
    flame(tmp_path, out, 1, 8, store=True)
    drawn = out.read_text()
    assert "<svg" in drawn
    assert "ingest/" in drawn


def test_why_there_is_no_flame_graph_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.profile._PY_SPY", tmp_path / "py-spy")
    with pytest.raises(NoProfile, match="py-spy is not installed"):
        flame(tmp_path, tmp_path / "flame.svg", 1, 1, store=True)


def test_the_command_prints_the_table_alone():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "profile", "--steps-only", "--pings", "200",
         "--rounds", "1"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "| respond |" in done.stdout
