"""Requests that are kept for the next server are the ones that would have been made for it."""

from dataclasses import replace

import pytest

from benchmarks.load.kept import prepared
from benchmarks.load.plan import Kind, Plan, Target, Visits
from benchmarks.load.visitors import requests


@pytest.mark.parametrize("kind", list(Kind))
def test_another_server_is_sent_the_same_with_its_own_name(kind, tmp_path, monkeypatch):
    visits = Visits(kind, prepared=200)
    first = Plan(Target.of("http://127.0.0.1:12345/p.gif"), visits, kept=str(tmp_path / "kept"))
    second = replace(first, target=Target.of("http://beacon.example:80/p.gif"))
    expected = requests(second.target, visits)
    assert prepared(first) == requests(first.target, visits)
    monkeypatch.setattr("benchmarks.load.kept.requests", None)  # none are made again
    assert prepared(first) == requests(first.target, visits)
    assert prepared(second) == expected


def test_other_visitors_another_path_and_another_process_have_requests_of_their_own(tmp_path):
    plan = Plan(Target.of("http://a.example/p.gif"), Visits(prepared=50), kept=str(tmp_path))
    others = [
        plan,
        replace(plan, visits=Visits(prepared=50, seed=2)),
        replace(plan, target=Target.of("http://a.example/q.gif")),
        replace(plan, share=1),
    ]
    made = [tuple(prepared(each)) for each in others]
    assert len(set(made)) == len(others)


def test_nothing_is_written_unless_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prepared(Plan(Target.of("http://a.example/p.gif"), Visits(prepared=5)))
    assert list(tmp_path.iterdir()) == []
