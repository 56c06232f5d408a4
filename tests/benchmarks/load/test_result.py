"""Adding up, refusing to report, and the histogram."""

import json

import pytest

from benchmarks.load.latency import Latencies
from benchmarks.load.plan import Kind, Plan, Target, Visits
from benchmarks.load.result import Part, Result, as_json
from benchmarks.load.tally import TIMEOUT, Tally

PLAN = Plan(Target.of("http://beacon.example/p.gif"), rate=100)


def _latencies(*seconds: float) -> Latencies:
    made = Latencies()
    for each in seconds:
        made.record(each)
    return made


def _result(
    busy: float = 0.1, starved: float = 0.0, lag: float = 0.0, latency: float = 0.001
) -> Result:
    part = Part({"200 stored": 1}, 1, _latencies(latency), _latencies(lag), 1, 1.0, busy, starved)
    return Result.of(PLAN, [part])


def test_a_busy_or_starved_generator_was_the_bottleneck():
    assert _result(busy=0.85).doubts(0.001) == []
    assert "bottleneck" in _result(busy=0.95).doubts(0.001)[0]
    assert "bottleneck" in _result(busy=0.5, starved=0.45).doubts(0.001)[0]


def test_a_late_generator_is_in_doubt_unless_that_is_a_tenth_of_what_it_tells():
    assert _result(lag=0.0009).doubts(0.001) == []
    assert "2.00 ms late" in _result(lag=0.002).doubts(0.001)[0]
    assert _result(lag=0.002, latency=0.1).doubts(0.001) == []


def test_a_result_in_doubt_leaves_its_latencies_out_of_the_report():
    result = _result(busy=1.0)
    said = json.loads(as_json(PLAN, result, result.doubts(0.001)))
    assert "bottleneck" in said["refused"][0]
    assert "latency_ms" not in said
    good = json.loads(as_json(PLAN, result, []))
    assert good["latency_ms"]["p50"] == pytest.approx(1, rel=0.01)
    assert good["plan"]["target"]["host"] == "beacon.example"
    assert Latencies(good["histogram"].encode()).count == 1


def test_parts_add_up():
    parts = [
        Part({"200 stored": 3, TIMEOUT: 1}, 3, _latencies(1, 2), _latencies(), 2, 4.0, 0.2, 0.1),
        Part({"200 stored": 5}, 5, _latencies(3), _latencies(0.5), 1, 5.0, 0.1, 0.0),
    ]
    sent = [Part.from_dict(json.loads(json.dumps(part.as_dict()))) for part in parts]
    result = Result.of(PLAN, sent)
    assert result.answers == {"200 stored": 8, TIMEOUT: 1}
    assert (result.requests, result.good, result.opened) == (9, 8, 3)
    assert result.rate == 8 / 5
    assert result.busiest == pytest.approx(0.3)
    assert (result.latencies.count, result.lags.count) == (3, 1)
    assert result.latencies.most == pytest.approx(3, rel=0.001)


def test_only_answers_below_400_are_good():
    tally = Tally()
    for status, outcome in ((b"200", b"stored"), (b"204", b""), (b"400", b""), (b"503", b"shed")):
        tally.answers[status, outcome] += 1
    tally.failed(TIMEOUT, 20)
    part = Part.of(tally, 1, 0, 0)
    assert part.good == 2
    assert part.answers == {"200 stored": 1, "204": 1, "400": 1, "503 shed": 1, TIMEOUT: 1}
    assert tally.done == 5


def test_an_array_is_ten_pings():
    plan = Plan(PLAN.target, Visits(Kind.ARRAY))
    part = Part({"204 stored": 7}, 7, _latencies(), _latencies(), 1, 1.0, 0.1, 0.0)
    assert Result.of(plan, [part]).events == 70


def test_a_histogram_keeps_three_digits_of_each_of_many_values():
    made = _latencies(*(number / 1000 for number in range(1, 60_001)))
    assert made.count == 60_000
    for percentile in (50, 90, 99):
        assert made.at(percentile) == pytest.approx(percentile * 0.6, rel=0.001)
    assert made.most == pytest.approx(60, rel=0.001)


def test_wrks_correction_adds_what_was_not_sent_during_a_long_wait():
    made = _latencies(*[0.01] * 9, 0.055).corrected(0.01)
    assert made.count == 10 + 4  # 45, 35, 25 and 15 ms
    assert made.at(100 * 10 / 14) == pytest.approx(0.015, rel=0.002)
    assert _latencies(0.01, 0.019).corrected(0.01).count == 2


def test_an_empty_histogram_says_nothing_and_an_endless_wait_counts_as_an_hour():
    assert (Latencies().at(99), Latencies().most, Latencies().mean) == (0, 0, 0)
    assert _latencies(1e6).most == pytest.approx(3600, rel=0.001)
    assert Latencies(Latencies().encode()).count == 0
