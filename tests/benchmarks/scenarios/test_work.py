"""What a run does in the time there is, and what it says of the rest."""

import pytest

from benchmarks.peers.all import FAULTY, OURS, PEERS
from benchmarks.scenarios.command import EFFORTS, MINUTES
from benchmarks.scenarios.effort import LEAST_SECONDS
from benchmarks.scenarios.scenario import Form, Turn, of_form
from benchmarks.scenarios.work import Stage, Work

EVERYONE = [*OURS, *PEERS, *FAULTY]
"""As if all were installed."""


def _work(form: Form, minutes: float | None = None) -> Work:
    well, faulty = ([s for s in of_form(form) if s.faulty is how] for how in (False, True))
    stages = [Stage.of(EVERYONE, part) for part in (well, faulty) if part]
    return Work(stages, EFFORTS[form], minutes or MINUTES[form], extras=form is not Form.QUICK)


@pytest.mark.parametrize("form", list(Form))
def test_each_form_fits_its_time_with_all_servers_and_nothing_left_out(form):
    fitted = _work(form).fitted()
    assert fitted.size.estimate(fitted.effort) <= MINUTES[form] * 60 + 1e-6
    assert fitted.left_out == ()
    assert fitted.effort.seconds >= LEAST_SECONDS
    assert fitted.effort.long_seconds == EFFORTS[form].long_seconds


def test_the_forms_last_as_long_as_they_are_said_to():
    assert MINUTES[Form.QUICK] < 3
    assert MINUTES[Form.RECORD] == 15
    assert MINUTES[Form.FULL] == 60


def test_a_full_run_in_a_third_of_its_time_leaves_loads_and_servers_out_and_says_which():
    fitted = _work(Form.FULL, 20).fitted()
    assert fitted.size.estimate(fitted.effort) <= 20 * 60 + 1e-6
    assert fitted.effort.rounds == 5
    assert fitted.effort.long_seconds == 120
    left = dict(line.split(": ", 1) for line in fitted.left_out)
    assert "saturation" not in left  # that is the one that counts
    assert "12,000/s" in left["latency"]
    assert "FastAPI + confluent-kafka" in left["one-ping"]
    assert all(
        f"left out, for it does not fit: {line}" in fitted.text() for line in fitted.left_out
    )
    names = {s.name for stage in _work(Form.FULL).stages for s in stage.scenarios}
    assert {s.name for stage in fitted.stages for s in stage.scenarios} == names


def test_memory_is_watched_for_less_long_before_anything_is_left_out():
    fitted = _work(Form.FULL, 40).fitted()
    assert fitted.effort.long_seconds == 240
    assert fitted.left_out == ()


def test_what_cannot_fit_is_refused():
    with pytest.raises(ValueError, match="5 minutes are too few"):
        _work(Form.FULL, 5).fitted()


def test_servers_are_warmed_on_each_bench_and_cold_but_once():
    size = _work(Form.FULL).size
    assert size.servers == 10 + 5  # nginx and ours are on the other bench, too
    assert size.cold_cells == 10
    assert _work(Form.FULL).stages[0].cells(Turn.LONG) == size.long_cells == 1
