"""Large sets are counted together by a union that is kept, and which follows them as they grow."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ingest.stats.queries import MINUTE
from ingest.stats.stats import Stats
from ingest.stats.together import Present, Together, count
from ingest.stats.uniques import Uniques
from tests.stats.support import MIDNIGHT, SITE, event

NUMBERS = st.sets(st.integers(0, 60), max_size=20)


def present(numbers: set[int], plain: bool) -> Present:
    return dict.fromkeys(numbers, "/") if plain else Uniques(numbers)


def come(there: Present, numbers: set[int]) -> None:
    there.update(dict.fromkeys(numbers, "/") if isinstance(there, dict) else numbers)


MINUTES = st.lists(st.builds(present, NUMBERS, st.booleans()), min_size=1, max_size=5)
LATE = st.lists(st.tuples(st.integers(0, 4), NUMBERS), max_size=6)


@given(MINUTES, LATE, st.booleans())
def test_it_counts_what_a_new_union_would(minutes: list[Present], late, moves: bool) -> None:
    together = Together()
    assert together.count(minutes) == count(minutes)
    for at, numbers in late:
        come(minutes[at % len(minutes)], numbers)
        if moves:
            minutes = [*minutes[1:], present(numbers, plain=True)]
        assert together.count(minutes) == count(minutes)


@given(MINUTES)
def test_it_changes_no_set(minutes: list[Present]) -> None:
    before = [len(each) for each in minutes]
    Together().count(minutes)
    assert [len(each) for each in minutes] == before


def test_a_large_site_is_looked_at_as_it_is_counted(monkeypatch) -> None:
    """Over minutes before and after midnight, with visitors that come late."""
    asked: list[int] = []

    class Watched(Together):
        def count(self, sets: Sequence[Present]) -> int:
            asked.append(id(self))
            return super().count(sets)

    monkeypatch.setattr("ingest.stats.together.FEW", 50)
    monkeypatch.setattr("ingest.stats.together.Together", Watched)
    start = MIDNIGHT - 3 * MINUTE
    stats = Stats(start)
    for at in range(start, start + 7 * MINUTE, MINUTE):
        for visitor in range(30):
            stats.apply(event(at, visitor + at // MINUTE % 20))
        late = event(at - MINUTE, 1_000 + at // MINUTE % 20, received=at)
        for value in (event(at, 100), late, event(at, 101)):
            stats.apply(value)
            site, minute = stats.sites[SITE], at // MINUTE
            assert site.look(minute, at).number == site.now(minute)
    assert len(asked) > 3 * 5
    assert len(set(asked)) < 4  # one for each day's key was kept
