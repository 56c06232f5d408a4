"""Who came, by page, referrer, country, browser, OS, device and name of the event.

A pageview is a row. Most hours of most sites have few, and a row of shared strings takes 130 bytes
where counters in six lists take 2 KB: so rows stay rows until there are `FOLD`. Then they are
folded into a set of visitors and the lists; many at once, for that costs least a row.
"""

from sys import intern

from ingest.stats.heavy_hitters import HeavyHitters
from ingest.stats.queries import By
from ingest.stats.uniques import Uniques

UNKNOWN = -1
"""A visitor without a number."""
Visit = tuple[int, str, str, str, str, str, str]
"""A pageview: the visitor's low bits, or `UNKNOWN`, and the values of `COLUMNS`."""
COLUMNS = (By.PAGE, By.REFERRER, By.COUNTRY, By.BROWSER, By.OS, By.DEVICE)
"""What the rows are by. By name all other events are counted at once."""
FOLD = 256
"""Rows that stay rows."""
_FOLD_MORE = 2_048
"""Rows, in the current hour, that are folded at once into lists that there are."""
Lists = tuple[HeavyHitters, ...]
"""One for each of `COLUMNS`."""


class Audience:
    """The visitors and breakdowns of one hour, or of one day."""

    __slots__ = ("folded", "lists", "names", "rows")

    def __init__(self) -> None:
        self.rows: list[Visit] = []
        self.folded: Uniques | None = None
        """Visitors of the rows that were folded."""
        self.lists: Lists | None = None
        """Counters of the rows that were folded."""
        self.names: HeavyHitters | None = None
        """Events that are no pageviews."""

    def add(self, visit: Visit) -> None:
        """Count a pageview."""
        rows = self.rows
        rows.append(visit)
        if len(rows) >= FOLD and (self.lists is None or len(rows) >= _FOLD_MORE):
            self.fold()

    @property
    def visitors(self) -> Uniques:
        """Of pageviews; a set of its own."""
        made = Uniques({row[0] for row in self.rows if row[0] >= 0})
        if self.folded is not None:
            made.unite(self.folded)
        return made

    def add_name(self, name: str, visitor: int) -> None:
        """Count an event that is no pageview."""
        if self.names is None:
            self.names = HeavyHitters()
        self.names.add(name, 1, (visitor,) if visitor >= 0 else ())

    def fold(self) -> None:
        """Turn the rows into counters."""
        folded, lists = self._counters()
        folded.update({row[0] for row in self.rows if row[0] >= 0})
        for column, hitters in enumerate(lists, 1):
            _fold(self.rows, column, hitters)
        self.rows = []

    def merge(self, other: "Audience") -> None:
        """Add another's counts. The other stays as it is."""
        if other.lists is not None and other.folded is not None:
            folded, lists = self._counters()
            folded.unite(other.folded)
            for mine, theirs in zip(lists, other.lists, strict=True):
                mine.merge(theirs)
        self.rows.extend(other.rows)
        if len(self.rows) >= FOLD:
            self.fold()
        if other.names is not None:
            if self.names is None:
                self.names = HeavyHitters()
            self.names.merge(other.names)

    def _counters(self) -> tuple[Uniques, Lists]:
        if self.folded is None or self.lists is None:
            self.folded = Uniques()
            self.lists = tuple(HeavyHitters() for _ in COLUMNS)
        return self.folded, self.lists

    def top(self, by: By) -> HeavyHitters:
        """Counters of one kind, in a list of their own."""
        made = HeavyHitters()
        if by is By.NAME:
            if self.names is not None:
                made.merge(self.names)
            return made
        column = COLUMNS.index(by)
        if self.lists is not None:
            made.merge(self.lists[column])
        _fold(self.rows, column + 1, made)
        return made


def _fold(rows: list[Visit], column: int, hitters: HeavyHitters) -> None:
    """Count what rows say in one column; rows without a value do not count."""
    visitors: dict[str, list[int]] = {}
    for row in rows:
        value: str = row[column]  # type: ignore[assignment]  # column is 1 to 6
        known = visitors.get(value)
        if known is None:
            visitors[value] = [row[0]]
        else:
            known.append(row[0])
    visitors.pop("", None)
    for value, numbers in visitors.items():
        known_numbers = [number for number in numbers if number >= 0]
        hitters.add(value, len(numbers), known_numbers)


def shared(visit: Visit) -> Visit:
    """The same row, of strings that other rows hold too."""
    visitor, page, referrer, country, browser, system, device = visit
    return (visitor, intern(page), intern(referrer), intern(country), intern(browser),
            intern(system), intern(device))  # fmt: skip
