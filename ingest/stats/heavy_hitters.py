"""The most frequent values of an endless stream, in bounded memory.

Misra–Gries (1982) with the counters of values that leave cut off in batches, as in Anderson et al.
(2017, the "frequent items" sketch): up to 2k values are held; one more, and the k heaviest stay.
Of N views in all, a value's count is too low by at most N/(k+1), and a value that is not listed had
at most that many. Up to 2k different values all is exact. Two lists can be merged; the bound holds
(Agarwal et al. 2012).
"""

from collections.abc import Iterator, Sequence

from ingest.stats.uniques import Uniques

K = 500
"""Values that stay for sure; twice as many are held at most."""


class Hitter:
    """What is known of one value."""

    __slots__ = ("before", "views", "visitors")

    def __init__(self, views: int, before: int, visitors: Uniques) -> None:
        self.views = views
        """Since it was taken in."""
        self.before = before
        """Views that it may have had before."""
        self.visitors = visitors
        """Those since it was taken in: at least this many."""


class HeavyHitters:
    """A bounded list of values with their views and visitors."""

    __slots__ = ("_hitters", "_k", "missing")

    def __init__(self, k: int = K) -> None:
        self._k = k
        self._hitters: dict[str, Hitter] = {}
        self.missing = 0
        """Views by which a count may be too low at most."""

    def __len__(self) -> int:
        return len(self._hitters)

    def add(self, value: str, views: int, visitors: Sequence[int]) -> None:
        """Count views of a value, by these visitors."""
        hitter = self._hitters.get(value)
        if hitter is None:
            self.put(value, Hitter(views, self.missing, Uniques(visitors)))
        else:
            hitter.views += views
            hitter.visitors.update(visitors)

    def put(self, value: str, hitter: Hitter) -> None:
        """Take in a value that is not here."""
        self._hitters[value] = hitter
        if len(self._hitters) > 2 * self._k:
            self._purge()

    def merge(self, other: "HeavyHitters") -> None:
        """Add another list's counts. The other stays as it is."""
        mine, theirs = self._hitters, other._hitters
        missing = self.missing
        for value, hitter in mine.items():
            if value not in theirs:
                hitter.before += other.missing
        for value, hitter in theirs.items():
            known = mine.get(value)
            if known is None:
                visitors = Uniques()
                visitors.unite(hitter.visitors)
                mine[value] = Hitter(hitter.views, hitter.before + missing, visitors)
            else:
                known.views += hitter.views
                known.before += hitter.before
                known.visitors.unite(hitter.visitors)
        self.missing = missing + other.missing
        if len(mine) > 2 * self._k:
            self._purge()

    def items(self) -> Iterator[tuple[str, Hitter]]:
        """All values held, in no order."""
        return iter(self._hitters.items())

    def _purge(self) -> None:
        heaviest = sorted(
            self._hitters.items(), key=lambda pair: pair[1].views + pair[1].before, reverse=True
        )
        first_gone = heaviest[self._k][1]
        self.missing = first_gone.views + first_gone.before
        self._hitters = dict(heaviest[: self._k])
