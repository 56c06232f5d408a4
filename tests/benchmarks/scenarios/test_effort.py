"""Fitting a run into its time. The clock is a number here."""

from dataclasses import replace

import pytest

from benchmarks.scenarios.effort import LEAST_SECONDS, Effort, Pace, Size, fitted

EFFORT = Effort(rounds=5, seconds=5.0, warm_up=1.0, partitions=4, seed=1, long_seconds=600.0)


def test_cells_are_shortened_until_all_fits():
    size = Size(cells=100, long_cells=1, benches=2)
    short = fitted(EFFORT, size, 60)
    assert LEAST_SECONDS < short.seconds < EFFORT.seconds
    assert size.estimate(short) == pytest.approx(60 * 60)
    assert short.rounds == 5


def test_what_fits_is_left_as_it_is():
    assert fitted(EFFORT, Size(cells=3, extras=False), 60) == replace(EFFORT, longest=5.0)
    assert fitted(EFFORT, Size(cells=0, long_cells=1), 1) == EFFORT


def test_cells_that_would_be_too_short_are_refused_with_the_time_they_need():
    with pytest.raises(ValueError, match=r"10 minutes are too few: 500 cells .* 134 at least"):
        fitted(EFFORT, Size(cells=500, extras=False, long_cells=0), 10)


def test_servers_that_are_warmed_take_their_time_from_the_cells():
    effort = replace(EFFORT, warming=8.0)
    cold, warmed = Size(cells=100), Size(cells=100, servers=10, cold_cells=10)
    assert fitted(effort, warmed, 60).seconds < fitted(effort, cold, 60).seconds
    assert warmed.estimate(fitted(effort, warmed, 60)) == pytest.approx(60 * 60)


def test_later_cells_are_shorter_when_the_first_took_longer_than_thought():
    time = 0.0
    pace = Pace(EFFORT, cells=10, seconds=60.0, clock=lambda: time)
    assert pace.seconds() == 5.0
    time = 8.0
    pace.done(5.0)  # three seconds beside the load
    assert pace.seconds() == pytest.approx((60 - 8) / 9 - 3)
    time = 58.0
    pace.done(2.0)
    assert pace.seconds() == LEAST_SECONDS


def test_the_time_of_the_rounds_runs_from_their_first_cell():
    time = 0.0
    pace = Pace(EFFORT, cells=10, seconds=60.0, clock=lambda: time)
    time = 1_000.0  # the servers were warmed
    pace.begin()
    time = 1_008.0
    pace.done(5.0)
    assert pace.seconds() == pytest.approx((60 - 8) / 9 - 3)


def test_later_cells_are_longer_up_to_what_was_asked_when_the_first_took_less_than_thought():
    time = 0.0
    effort = replace(EFFORT, seconds=2.0, longest=5.0)
    pace = Pace(effort, cells=10, seconds=40.0, clock=lambda: time)
    time = 2.5
    pace.done(2.0)  # half a second beside the load
    assert pace.seconds() == pytest.approx((40 - 2.5) / 9 - 0.5)
    time = 3.0
    for _ in range(7):
        pace.done(0.0)
    assert pace.seconds() == 5.0


def test_no_round_is_begun_that_cannot_be_over_in_time():
    time = 0.0
    pace = Pace(EFFORT, cells=20, seconds=60.0, clock=lambda: time)
    time = 8.0
    pace.done(5.0)  # three seconds beside each load, and one for the load at least
    assert pace.fits(13)
    assert not pace.fits(14)


def test_cells_are_never_longer_than_asked_for():
    pace = Pace(EFFORT, cells=10, seconds=10_000.0, clock=lambda: 0.0)
    pace.done(5.0)
    assert pace.seconds() == EFFORT.seconds
