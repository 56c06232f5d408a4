"""Events that come again."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.stats.duplicates import Duplicates, fingerprint

IDS = st.uuids().map(str)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**64 - 1)), max_size=200))
def test_within_an_hour_each_is_first_once(marks):
    duplicates, seen = Duplicates(1_000_000), set()
    for hour, mark in marks:
        assert duplicates.first(hour, mark) is ((hour, mark) not in seen)
        seen.add((hour, mark))


@given(IDS, IDS)
def test_sites_and_ids_are_told_apart(one, other):
    assert fingerprint("a", one) == fingerprint("a", one)
    assert fingerprint("a", one) != fingerprint("b", one)
    if one != other:
        assert fingerprint("a", one) != fingerprint("a", other)


def test_ids_that_count_up_are_told_apart():
    marks = {fingerprint("a", str(UUID(int=number))) for number in range(100_000)}
    marks |= {fingerprint("a", str(UUID(int=number << 64))) for number in range(1, 100_000)}
    assert len(marks) == 199_999


@pytest.mark.parametrize(
    "name", ["", "no id", "x" * 36, "-" * 36, "0" * 36, "0" * 32, "ü" * 36, f"{UUID(int=7)}0"]
)
def test_what_is_no_id_is_refused(name):
    with pytest.raises(ValueError, match="no UUID"):
        fingerprint("a", name)


def test_memory_is_bounded_and_the_oldest_go_first():
    duplicates = Duplicates(100_000)
    for mark in range(500_000):
        assert duplicates.first(7, mark * 2**44)
    assert len(duplicates) <= 100_000
    assert not duplicates.first(7, 499_999 * 2**44)
    assert duplicates.first(7, 0)
    assert duplicates.dropped


def test_many_hours_are_bounded_too():
    duplicates = Duplicates(100_000)
    for hour in range(1_000):
        assert duplicates.first(hour, 1)
    assert len(duplicates) < 10
    assert not duplicates.first(999, 1)


def test_many_hours_with_many_ids_are_bounded_together():
    """A client may say that what it sends is up to a day old, so hours fill side by side."""
    duplicates, hours = Duplicates(1_000_000), range(25)
    for mark in range(60_000):
        for hour in hours:
            assert duplicates.first(hour, mark * 2**44 + 1)
    assert len(duplicates) < 1_000_000
    assert duplicates.dropped
    assert not duplicates.first(24, 59_999 * 2**44 + 1)


def test_hours_past_are_forgotten():
    duplicates = Duplicates(100_000)
    duplicates.first(1, 1)
    duplicates.first(2, 1)
    duplicates.forget_before(2)
    assert not duplicates.first(2, 1)
    assert duplicates.first(1, 1)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2**64 - 1)), max_size=100), st.data())
def test_what_was_saved_piece_by_piece_is_known_after_a_restart(marks, data):
    before = Duplicates(1_000_000)
    saved = {}
    for hour, mark in marks:
        before.first(hour, mark)
        if data.draw(st.booleans()):
            for number, of, piece in before.unsaved():
                saved.setdefault((number, of), []).append(piece)
    for number, of, piece in before.unsaved():
        saved.setdefault((number, of), []).append(piece)
    after = Duplicates(1_000_000)
    for (number, hour), pieces in sorted(saved.items()):
        after.restore(number, hour, b"".join(pieces))
    assert not any(after.first(hour, mark) for hour, mark in marks)
