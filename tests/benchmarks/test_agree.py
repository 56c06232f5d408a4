"""Our generator beside others: that they are compared, and how; not whether they agree just now."""

import os
from dataclasses import replace

import pytest

from benchmarks.agree.command import Comparison, Delayed, compared, comparisons, main
from benchmarks.agree.generators import Found, ours
from tests.support.cores import TWO_CORES

FOUND = Found(1_000.0, {50: 10.0, 90: 20.0, 99: 50.0})


def _comparison(other) -> Comparison:
    return Comparison("another", Delayed(), other, None, 100, 8)


@TWO_CORES
def test_both_are_asked_by_turns_and_their_medians_compared(monkeypatch):
    asked = []

    def other(plan, directory):
        assert (plan.rate, plan.connections, plan.seconds) == (100, 8, 0.3)
        assert directory.is_dir()
        asked.append("other")
        return replace(FOUND, rate=1_080.0)

    def mine(plan):
        assert ours(plan).rate > 0  # a real one, whose figures a busy machine may spoil
        asked.append("ours")
        return FOUND

    monkeypatch.setattr("benchmarks.agree.command.ours", mine)
    outcome = compared(_comparison(other), 2, 0.3)
    assert asked == ["ours", "other"] * 2
    assert outcome.agrees
    assert outcome.lines[0] == "| another | pings/s | 1,000.0 | 1,080.0 | 0.93–0.93–0.93 |"
    assert [line.split(" | ")[1] for line in outcome.lines[1:]] == ["p50, ms", "p90, ms", "p99, ms"]


@TWO_CORES
def test_more_than_a_tenth_is_no_agreement_and_a_busy_generator_none_either(monkeypatch):
    far = replace(FOUND, latency_ms=FOUND.latency_ms | {99: 60.0})
    monkeypatch.setattr("benchmarks.agree.command.ours", lambda _plan: FOUND)
    assert not compared(_comparison(lambda *_: far), 1, 0.1).agrees
    monkeypatch.setattr(
        "benchmarks.agree.command.ours", lambda _p: replace(FOUND, doubts=("busy",))
    )
    outcome = compared(_comparison(lambda *_: FOUND), 1, 0.1)
    assert not outcome.agrees
    assert "too busy" in outcome.lines[0]


def test_one_that_is_missing_is_named_in_the_report(monkeypatch, tmp_path, capsys):
    absent = replace(_comparison(None), missing="wrk is not installed")
    monkeypatch.setattr("benchmarks.agree.command.comparisons", lambda: [absent])
    assert main(["--out", str(tmp_path)]) == 1
    said = (tmp_path / "agree.md").read_text()
    assert "| another | missing: wrk is not installed |" in said
    assert "All medians are **not** within 10%." in said
    assert "commit" in said
    assert "missing: wrk" in capsys.readouterr().out


@TWO_CORES
@pytest.mark.parametrize("comparison", comparisons(), ids=lambda each: each.name)
def test_the_others_say_what_they_found(comparison, monkeypatch):
    if comparison.missing and os.environ.get("PEERS") != "required":
        pytest.skip(f"{comparison.missing}; make test-peers requires it")
    assert comparison.missing is None
    monkeypatch.setattr("benchmarks.agree.command.ours", lambda _plan: FOUND)
    outcome = compared(comparison, 1, 1.0)
    assert len(outcome.lines) == 4
    assert all(line.startswith(f"| {comparison.name} |") for line in outcome.lines)
