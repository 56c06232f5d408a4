"""The table of record in README.md."""

import pytest

from benchmarks.planning import document
from benchmarks.readme import BEGIN, END, README, RECORD, table, within
from benchmarks.saved import NoResults, Saved
from tests.benchmarks.canned import OURS, saved


def test_the_readme_shows_the_record():
    text = README.read_text()
    assert within(text, table(Saved.load(RECORD))) == text, "python -m benchmarks readme"


def test_the_readmes_plot_exists():
    assert RECORD.with_name("ratios.svg").read_text().startswith("<?xml")


def test_ratios_partitions_batches_and_what_is_not_done_stand_in_the_table():
    lines = table(saved()).splitlines()
    assert f"| **{OURS}** | 3.00–3.00–3.00 | 4 | 100–100–100 | – |" in lines
    assert "| nginx empty_gif | 1.00–1.00–1.00 | – | – | no Kafka, no opt-out |" in lines
    assert "Missing: absent (not built)." in lines


def test_a_run_without_the_yardstick_makes_no_table():
    run = saved()
    with pytest.raises(NoResults):
        table(Saved(run.about, [cell for cell in run.cells if cell.server == OURS]))


def test_only_what_is_between_the_marks_is_written():
    assert within(f"a\n{BEGIN}\nold\n{END}\nb\n", "new\n") == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    with pytest.raises(NoResults, match="no place"):
        within("a\n", "new\n")


def test_figures_of_a_busy_machine_are_said_to_be_provisional():
    run = saved()
    assert "Provisional" not in table(run)
    machine = run.about["machine"] | {"load_before": 6.5}
    busy = Saved(run.about | {"machine": machine}, run.cells, run.extras)
    assert "**Provisional:** the machine was busy with other things (load 6.5 on 2" in table(busy)
    assert "**Provisional:**" in document(busy)


def test_what_a_partial_run_misses_is_said():
    run = saved()
    gaps = Saved(run.about | {"missed": ["round 2 of x: ours: it ended"]}, run.cells, run.extras)
    assert "**Partial:** round 2 of x: ours: it ended." in table(gaps)
    assert "Partial" not in table(run)
