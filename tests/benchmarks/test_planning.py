"""What a rate needs, by hand-made figures; and that the document tells those of the record."""

import pytest

from benchmarks.planning import DOCUMENT, Assumed, Measured, document, main, needs
from benchmarks.readme import RECORD
from benchmarks.saved import NoResults, Saved
from benchmarks.scenarios.extras import Extras
from tests.benchmarks.canned import OURS, saved

FOUND = Measured(50.0, 100.0, 600.0, 300.0, 50_000.0)
GIVEN = Assumed(
    busy=0.5, cores=4, spare=1, mean=0.25, replicas=2, partitions=3, frames=100.0,
    broker_bytes=1e6,
)  # fmt: skip


def test_the_formulas_by_hand():
    need = needs(100_000, FOUND, GIVEN)
    assert need.cores == 10  # 5 s of CPU a second, cores half busy
    assert need.machines == 4  # three of four cores, and one to spare
    assert need.topics == 4
    assert need.partitions == 12
    assert need.brokers == 20  # 20 MB/s with two replicas
    assert need.disk_bytes == 100_000 * 100 * 2 * 0.25 * 86_400 * 20
    assert need.network_in == 100_000 * 700 * 8
    assert need.network_out == 100_000 * 400 * 8
    assert need.kafka_in == 100_000 * 200 * 8


def test_a_small_rate_needs_the_least():
    need = needs(1, FOUND, GIVEN)
    assert (need.cores, need.machines, need.partitions, need.brokers) == (1, 2, 3, 2)


def test_figures_come_from_the_run():
    assert Measured.of(saved()) == Measured(30.0, 200.0, 650.0, 350.0, 100_000.0)


def test_a_run_that_did_not_measure_enough_is_refused():
    run = saved()
    with pytest.raises(NoResults, match="stats reader"):
        Measured.of(Saved(run.about, run.cells))
    others = [cell for cell in run.cells if cell.server != OURS]
    with pytest.raises(NoResults, match=OURS):
        Measured.of(Saved(run.about, others, run.extras))
    assert Extras() != run.extras


def test_the_document_has_every_figure_and_no_gap():
    text = document(saved())
    assert "| c | 30.0 µs |" in text
    assert "| e | 200 bytes |" in text
    assert "100 events per batch" in text
    assert "| 1,000,000 | 60 | 5 | 120 | 20 | 12 |" in text
    assert "{" not in text


def test_the_document_in_the_tree_tells_the_record(capsys):
    assert main([str(RECORD)]) == 0
    assert capsys.readouterr().out == DOCUMENT.read_text(), (
        f"python -m benchmarks plan {RECORD} --write"
    )
