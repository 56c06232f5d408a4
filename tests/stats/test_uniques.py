"""Sets of visitors, against Python's own."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.stats.uniques import SMALL, SPACE, Uniques, union

NUMBERS = st.integers(0, 2**32 - 1)
FEW = st.lists(NUMBERS, max_size=60)
MANY = st.builds(
    lambda seed, size: [Random(seed).getrandbits(32) for _ in range(size)],
    st.integers(0, 1000),
    st.sampled_from([0, 1, 6, 7, SMALL - 1, SMALL, SMALL + 1, 3 * SMALL]),
)


def low(numbers):
    return {number % SPACE for number in numbers}


def held(numbers, one_by_one=True):
    made = Uniques()
    if one_by_one:
        for number in numbers:
            made.add(number)
    else:
        made.update(numbers)
    return made


@given(FEW | MANY, st.booleans())
def test_holds_what_a_set_holds(numbers, one_by_one):
    assert len(held(numbers, one_by_one)) == len(low(numbers))


@given(FEW | MANY, FEW | MANY)
def test_unites_like_a_set_and_leaves_the_other_as_it_is(first, second):
    one, other = held(first), held(second)
    before = other.dump()
    counted = one.count_with(other)
    one.unite(other)
    assert one == held(first + second)
    assert counted == one.count
    assert other.dump() == before
    one.add(1 if 1 not in low(second) else 2)
    assert other.dump() == before


@given(FEW | MANY)
def test_comes_back_from_bytes_as_it_was(numbers):
    made = held(numbers)
    again = Uniques.load(made.dump())
    assert again == made
    again.add(77)
    assert again == held([*numbers, 77])


@given(st.lists(FEW | MANY, max_size=4))
def test_a_union_is_a_set_of_its_own(lists):
    made = union(map(held, lists))
    assert made == held([number for numbers in lists for number in numbers])


@pytest.mark.parametrize("data", [b"", b"x", b"z123", b"a123", b"rubbish"])
def test_other_bytes_are_refused(data):
    with pytest.raises(ValueError):  # noqa: PT011  # pyroaring's own message
        Uniques.load(data)


@pytest.mark.parametrize("size", [1, 10, 999, 1_000, 30_000, 300_000])
def test_counts_within_one_below_a_thousand_and_a_fifth_percent_above(size):
    random = Random(size)
    made = Uniques([random.getrandbits(32) for _ in range(size)])
    assert abs(made.count - size) <= max(1, 0.002 * size)


def test_a_full_set_says_so_and_counts_on():
    full = Uniques(range(SPACE))
    assert full.saturated
    assert full.count > 10 * SPACE
    assert not Uniques(range(1_000)).saturated
