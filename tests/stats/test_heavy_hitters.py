"""The most frequent values: exact while few, within the bound when many."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ingest.stats.heavy_hitters import HeavyHitters

K = 4
STREAMS = st.lists(st.tuples(st.integers(0, 40).map(str), st.integers(1, 5)), max_size=300)


def counted(stream, k=K):
    made = HeavyHitters(k)
    for number, (value, views) in enumerate(stream):
        made.add(value, views, [number])
    return made


def true(stream):
    views = Counter()
    for value, count in stream:
        views[value] += count
    return views


def assert_within_bound(hitters, views):
    total = sum(views.values())
    found = {value: hitter.views for value, hitter in hitters.items()}
    assert hitters.missing <= total / (K + 1)
    assert len(found) <= 2 * K
    for value, count in views.items():
        assert count - hitters.missing <= found.get(value, 0) <= count


@given(STREAMS)
def test_no_count_is_too_high_nor_too_low_by_more_than_a_k_th_of_all(stream):
    assert_within_bound(counted(stream), true(stream))


@given(STREAMS, STREAMS)
def test_the_bound_holds_after_merging(first, second):
    merged, other = counted(first), counted(second)
    merged.merge(other)
    assert_within_bound(merged, true(first + second))


@given(st.lists(st.tuples(st.integers(0, 2 * K - 1).map(str), st.integers(1, 5)), max_size=100))
def test_few_values_are_counted_exactly(stream):
    hitters = counted(stream)
    assert {value: hitter.views for value, hitter in hitters.items()} == true(stream)
    assert hitters.missing == 0


def test_visitors_are_never_too_many():
    hitters = HeavyHitters(2)
    for number in range(100):
        hitters.add(str(number % 10), 1, [number % 30])
        hitters.add("often", 1, [number])
    visitors = {value: hitter.visitors.count for value, hitter in hitters.items()}
    assert visitors["often"] == 100
    assert all(count <= 30 for value, count in visitors.items() if value != "often")
