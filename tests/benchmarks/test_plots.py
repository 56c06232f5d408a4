"""Drawing a canned result. What is drawn is read from the SVG's text, not how it looks."""

import pytest

from benchmarks.plots import draw, main
from benchmarks.saved import Saved
from tests.benchmarks.canned import OURS, RUST, saved


def test_every_kind_of_plot_is_drawn_from_the_saved_json(tmp_path, capsys):
    results = tmp_path / "report.json"
    results.write_text(saved().as_json())
    assert main([str(results)]) == 0
    names = ["ratios", "latency", "connections", "memory"]
    assert capsys.readouterr().out.split() == [str(tmp_path / f"{name}.svg") for name in names]
    ratios = (tmp_path / "ratios.svg").read_text()
    assert " 3.00" in ratios  # 30 µs over nginx's 10
    assert " 4.00" in ratios
    assert f"{OURS} (4 × 100)" in ratios
    assert "partitions × events per batch" in ratios
    assert "of 2 rounds" in ratios
    latency = (tmp_path / "latency.svg").read_text()
    assert "p99.9" in latency
    assert RUST in latency
    assert "CPU µs per ping" in (tmp_path / "connections.svg").read_text()
    assert "resident memory" in (tmp_path / "memory.svg").read_text()


def test_the_same_figures_give_the_same_picture(tmp_path):
    first, second = (draw(saved(), tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_picture_of_dots_can_be_had(tmp_path):
    paths = draw(saved(), tmp_path, "png")
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_what_was_not_measured_is_not_drawn(tmp_path):
    assert draw(Saved({}, []), tmp_path) == []
    run = saved()
    only = [cell for cell in run.cells if cell.scenario == "latency"]
    assert [path.stem for path in draw(Saved({}, only), tmp_path)] == ["latency"]


def test_latencies_that_are_the_generators_are_not_drawn(tmp_path):
    cells = [cell for cell in saved().cells if cell.scenario == "latency"]
    for cell in cells:
        cell.doubts.append("late")
    assert draw(Saved({}, cells), tmp_path) == []


@pytest.mark.parametrize("command", ["plots", "compare", "planning", "readme"])
def test_a_file_without_results_is_refused_by_its_name(command, tmp_path, capsys):
    from importlib import import_module

    path = tmp_path / "nothing.json"
    path.write_text("{}")
    words = [str(path)] * (2 if command == "compare" else 1)
    assert import_module(f"benchmarks.{command}").main(words) == 2
    assert "nothing.json" in capsys.readouterr().err
