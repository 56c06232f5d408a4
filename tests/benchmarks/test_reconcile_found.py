"""What is kept of what was found, and when the looking ends."""

import json

import pytest

from benchmarks.reconcile import Answers, reconcile
from benchmarks.reconcile_found import Patience, Tally, settled
from benchmarks.reconcile_places import CannotLook

ANSWERS = Answers("own", ["a", "b"], {"a": "stored", "b": "stored"})


def _event(site, event_id):
    return json.dumps({"site": site, "id": event_id}).encode()


def test_only_ids_of_the_own_sites_are_kept():
    tally = Tally({"own"})
    for value in (_event("own", "a"), _event("other", "x"), _event("own", "a")):
        tally.take(value)
    assert dict(tally.found) == {("own", "a"): 2}
    assert list(tally.of("own")) == ["a", "a"]
    assert tally.ignored == 0


@pytest.mark.parametrize(
    "value",
    [None, b"", b"\xff", b"{", b"3", b"null", b"[]", b'"site"', b"{}", b'{"site":"own"}',
     b'{"id":"a"}', b'{"site":[],"id":"a"}', b'{"site":"own","id":{}}'],
)  # fmt: skip
def test_a_record_that_is_no_event_is_counted_and_ignored(value):
    tally = Tally({"own"})
    tally.take(value)
    assert (tally.ignored, tally.found.total()) == (1, 0)


def _report(*found):
    return reconcile(ANSWERS, found)


def test_when_nothing_is_missing_it_waits_until_nothing_new_came_for_a_while():
    patience = Patience(settle=3, longest=60, now=0)
    assert not patience.over(_report("a", "b"), 1)
    assert not patience.over(_report("a", "b"), 3)
    assert not patience.over(_report("a", "b", "b"), 4)  # a late duplicate
    assert not patience.over(_report("a", "b", "b"), 6)
    assert not patience.over(_report("a", "b", "b", "x"), 7)  # a late phantom
    assert not patience.over(_report("a", "b", "b", "x"), 9)
    assert patience.over(_report("a", "b", "b", "x"), 10)


def test_while_something_is_missing_it_waits_for_longer():
    patience = Patience(settle=3, longest=60, now=0)
    assert not patience.over(_report("a"), 50)
    assert not patience.over(_report("a"), 109)
    assert patience.over(_report("a"), 110)


def test_a_place_that_cannot_be_read_is_no_news():
    patience = Patience(settle=3, longest=60, now=0)
    assert not patience.over(_report("a", "b"), 1)
    assert not patience.over(None, 60)
    assert patience.over(None, 61)


class _Script:
    """A place that hands out one piece of a script at each look; an error is raised."""

    def __init__(self, *pieces):
        self.left = list(pieces)

    async def skip_to_end(self):
        pass

    async def close(self):
        pass

    async def read(self, take):
        piece = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(piece, Exception):
            raise piece
        for value in piece:
            take(value)


async def test_a_failure_to_read_in_between_is_got_over():
    place = _Script([_event("own", "a")], CannotLook("away"), [_event("own", "b")], [])
    tally = Tally({"own"})
    report = await settled((ANSWERS,), place, tally, (0, 30))
    assert (report.lost, report.found) == (0, 2)


async def test_a_failure_to_read_in_the_end_is_no_loss_but_is_raised():
    with pytest.raises(CannotLook, match="away"):
        await settled((ANSWERS,), _Script(CannotLook("away")), Tally({"own"}), (0, 0))
