"""The books of numbered pings: losses, phantoms, duplicates."""

import pytest

from benchmarks.reconcile import Answers, Pace, reconcile, send, together
from tests.benchmarks.load.tiny import Tiny, serving

ANSWERS = Answers(
    "site",
    ["a", "b", "c", "d"],
    {"a": "stored", "b": "stored", "c": "shed", "d": "no answer"},
)


def test_what_was_confirmed_and_is_not_found_is_lost():
    report = reconcile(ANSWERS, ["a"])
    assert (report.lost, report.phantoms, report.duplicates) == (1, 0, 0)
    assert not report.good


def test_what_was_not_confirmed_may_be_found_or_not():
    assert reconcile(ANSWERS, ["a", "b"]).good
    assert reconcile(ANSWERS, ["a", "b", "c", "d"]).good


def test_what_was_never_sent_is_a_phantom():
    report = reconcile(ANSWERS, ["a", "b", "x"])
    assert (report.lost, report.phantoms) == (0, 1)
    assert not report.good


def test_copies_beyond_the_first_are_duplicates_and_no_loss():
    report = reconcile(ANSWERS, ["a", "b", "b", "b"])
    assert (report.duplicates, report.found, report.good) == (2, 2, True)
    assert report.copies == 4
    assert "duplicates  2" in report.text()


def test_the_books_of_several_sites_add_up():
    report = together([reconcile(ANSWERS, ["a"]), reconcile(ANSWERS, ["a", "b", "x"])])
    assert (report.sent, report.confirmed, report.lost, report.phantoms) == (8, 4, 1, 1)
    assert report.outcomes == {"stored": 4, "shed": 2, "no answer": 2}


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ({"answer": b""}, "closed without an answer"),
        ({"resets": True}, "connection reset"),
        ({"answer": b"HTTP/1.1 200 OK\r\n"}, "no answer in time"),
        ({"answer": b"what?\r\n\r\n"}, "not HTTP"),
    ],
)
async def test_why_there_was_no_answer_is_told_beside_it(does, why):
    with serving(Tiny(**does)) as tiny:
        report = await _sent(tiny)
    assert report.outcomes == {"no answer": 4}
    assert report.unanswered == {why: 4}
    assert f"sent        4  (4 no answer; no answer: 4 {why})" in report.text()
    assert together([report, report]).unanswered == {why: 8}


async def test_a_refused_connection_is_told_as_one():
    with serving(Tiny()) as tiny:
        pass
    assert (await _sent(tiny)).unanswered == {"connection refused": 4}


async def _sent(tiny):
    answers = Answers("site.example")
    await send(f"http://127.0.0.1:{tiny.port}", Pace(40, 0.1, timeout=1.0), answers)
    return reconcile(answers, [])
