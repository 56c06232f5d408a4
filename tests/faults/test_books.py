"""The comparison of `/metrics` with the readers' counts finds what does not add up."""

import pytest

from tests.faults.books import Heard, Life, Log, differences
from tests.support.metrics import Metrics

GOOD = {
    "events_direct_total": 6,
    "events_spooled_total": 4,
    "events_failed_total": 0,
    "spool_events_replayed_total": 4,
    "spool_events_waiting": 0,
    "spool_events_waiting_at_start": 0,
    "spool_events_lost": 0,
    "spool_events_expired_total": 0,
}

NONE = dict.fromkeys(GOOD, 0)


def _life(whole=True, answered=10, **changed):
    lines = [f"beacon_{name} {value}" for name, value in (GOOD | changed).items()]
    labels = 'outcome="stored",route="p.gif"'
    lines.append(f"beacon_requests_answered_total{{{labels}}} {answered}")
    return Life(Metrics("\n".join(lines) + "\n"), whole)


def _heard(stored=10, unanswered=0):
    heard = Heard(unanswered=unanswered)
    for _ in range(stored):
        heard.note("p.gif", "stored")
    return heard


def test_books_that_agree_have_no_differences():
    assert differences([_life()], _heard(), Log(10, 0)) == []


@pytest.mark.parametrize(
    ("life", "heard", "log", "difference"),
    [
        (_life(), _heard(), Log(9, 0), "9 copies found"),
        (_life(), _heard(), Log(11, 0), "1 copies more"),
        (_life(), _heard(9), Log(10, 0), "heard by nobody"),
        (_life(answered=11), _heard(11), Log(10, 0), "11 events confirmed"),
        (_life(answered=9), _heard(), Log(10, 0), "heard, and not counted"),
        (_life(answered=9), _heard(9), Log(10, 0), "9 confirmed"),
    ],
)
def test_one_more_or_less_is_found(life, heard, log, difference):
    (found, *_) = differences([life], heard, log)
    assert difference in found


def test_a_second_copy_may_have_come_late_and_a_failed_one_after_all():
    assert differences([_life()], _heard(), Log(11, 1)) == []
    assert differences([_life(events_failed_total=1)], _heard(), Log(11, 0)) == []


def test_an_answer_that_was_lost_on_its_way_explains_one_event_and_no_more():
    assert differences([_life()], _heard(9, unanswered=1), Log(10, 0)) == []
    assert differences([_life()], _heard(8, unanswered=1), Log(10, 0))


def test_a_life_ended_by_force_did_at_least_what_was_seen_of_it():
    assert differences([_life(whole=False)], _heard(15), Log(15, 0)) == []
    assert differences([_life(whole=False)], _heard(15), Log(9, 0))
    assert differences([_life(whole=False)], _heard(9), Log(15, 0))


def test_what_was_left_in_the_spool_is_there_at_the_next_start_or_said_to_be_lost():
    left = {"events_spooled_total": 6, "spool_events_waiting": 2}
    before, heard = _life(answered=12, **left), _heard(12)
    again = NONE | {"spool_events_waiting_at_start": 2, "spool_events_replayed_total": 2}
    assert differences([before, _life(answered=0, **again)], heard, Log(12, 0)) == []
    (found,) = differences([before, _life(answered=0, **NONE)], heard, Log(10, 0))
    assert "left in the spool" in found
    lost = NONE | {"spool_events_lost": 2}
    assert differences([before, _life(answered=0, **lost)], heard, Log(10, 0, lost=2)) == []


def test_what_the_spool_lost_is_just_what_was_damaged_and_nothing_expires():
    two = _life(spool_events_lost=2)
    assert differences([two], _heard(), Log(10, 0, lost=2)) == []
    for log in (Log(10, 0), Log(10, 0, lost=1), Log(10, 0, lost=3)):
        (found,) = differences([two], _heard(), log)
        assert "2 events of the spool lost" in found
    ended = _life(whole=False)  # what it lost after the last look is not known
    assert differences([ended], _heard(), Log(10, 0, lost=3)) == []
    (found,) = differences([_life(spool_events_expired_total=1)], _heard(), Log(10, 0))
    assert "expired" in found
    (found,) = differences([_life(whole=False, spool_events_lost=-1)], _heard(), Log(10, 0))
    assert "more was in the spool" in found
