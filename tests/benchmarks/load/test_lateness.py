"""Whose fault it is that a ping is late."""

import pytest

from benchmarks.load.lateness import Lateness

TICK = 0.001


def _lags(lateness: Lateness) -> list[float]:
    return [
        lateness.lags.at(100 * (n + 0.5) / lateness.lags.count) for n in range(lateness.lags.count)
    ]


def test_a_ping_that_an_idle_connection_could_have_taken_is_late_by_all_its_wait():
    lateness = Lateness(TICK, 10.0)
    lateness.look(10.001)
    lateness.sent(10.0005, 10.001, idle=True)
    assert _lags(lateness) == pytest.approx([0.0005], abs=2e-6)


def test_a_ping_that_waited_for_the_server_alone_is_not_late():
    lateness = Lateness(TICK, 10.0)
    for number in range(1, 501):
        lateness.look(10.0 + number * TICK)
    lateness.sent(10.1, 10.5, idle=False)
    assert _lags(lateness) == pytest.approx([0.0], abs=2e-6)


def test_what_was_due_while_the_generator_was_away_is_late_until_it_is_back():
    lateness = Lateness(TICK, 10.0)
    lateness.look(10.001)
    lateness.look(10.501)
    lateness.sent(10.101, 10.601, idle=False)
    lateness.look(10.601)  # and away again, from 10.501 on
    lateness.sent(10.0005, 10.601, idle=False)
    assert _lags(lateness) == pytest.approx([0.0, 0.4], abs=5e-4)


def test_what_was_due_meanwhile_is_late_also_if_the_generator_is_away_again_before_it_is_sent():
    lateness = Lateness(TICK, 10.0)
    lateness.look(10.5)
    lateness.sent(10.1, 10.5, idle=True)
    lateness.look(10.51)
    lateness.sent(10.2, 10.51, idle=False)
    lateness.sent(10.505, 10.51, idle=False)
    assert _lags(lateness) == pytest.approx([0.005, 0.3, 0.4], abs=5e-4)


def test_a_tick_that_is_a_little_late_is_no_absence():
    lateness = Lateness(TICK, 10.0)
    lateness.look(10.0015)
    lateness.sent(10.0005, 10.0015, idle=False)
    assert _lags(lateness) == pytest.approx([0.0], abs=2e-6)
