"""All counts: takes events in, and gives up what changed to whoever saves it."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ingest.config import Sites
from ingest.config import Stats as Options
from ingest.stats.duplicates import Duplicates, fingerprint
from ingest.stats.event import PAGEVIEW, BadEvent, EventReader
from ingest.stats.left_out import LeftOut
from ingest.stats.queries import DAY, DAYS_KEPT, HOUR, HOURS_KEPT, MINUTE
from ingest.stats.site import Site, Write
from ingest.stats.windows import Day, Window


class History(Protocol):
    """What was saved and is not in memory."""

    def knows(self, site: str) -> bool:
        """Whether there is anything of a site."""

    def site(self, site: str, since_day: int) -> Iterable[Window]:
        """All minutes and hours, and the days from `since_day` on."""

    def day(self, site: str, start: int) -> Day | None:
        """One day."""


class NoHistory:
    """Nothing was saved."""

    def knows(self, site: str) -> bool:
        """No."""
        return False

    def site(self, site: str, since_day: int) -> Iterable[Window]:
        """None."""
        return ()

    def day(self, site: str, start: int) -> Day | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of memory."""

    sites: int = Sites().max_active
    """Sites counted at most; events of further ones are not."""
    ids: int = Options().max_ids
    """Ids remembered, to know duplicates by; 9 bytes each."""


class StatsCounts:
    """Plain integers for metrics: what became of each event read."""

    def __init__(self) -> None:
        self.counted = 0
        self.bots = 0
        self.duplicates = 0
        self.too_old = 0
        """Of a day of which only numbers are kept."""
        self.sites_full = 0
        """Of sites beyond the bound."""
        self.bad = 0
        """No events of version 1, or such that counting them failed."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since it was saved."""

    changed: list[tuple[Site, Window]]
    removed: list[tuple[Site, Window]]


_log = logging.getLogger(__name__)
_NO_HISTORY = NoHistory()
_NO_BOUNDS = Bounds()


class Stats:
    """The counts of all sites. For one thread; needs to be told the time (`advance`)."""

    def __init__(
        self,
        now: int,
        bounds: Bounds = _NO_BOUNDS,
        history: History = _NO_HISTORY,
        count_bots: bool = False,
    ) -> None:
        """`now` is in epoch milliseconds."""
        self.counts = StatsCounts()
        self.sites: dict[str, Site] = {}
        self.duplicates = Duplicates(bounds.ids)
        self.left_out = LeftOut()
        self._bounds = bounds
        self._history = history
        self._count_bots = count_bots
        self._reader = EventReader()
        self._changed: list[tuple[Site, Window]] = []
        """What changed since it was saved; every site adds to it."""
        self._removed: list[tuple[Site, Window]] = []
        self._write: Write | None = None
        self._write_first = self._write_taken
        """Made once: every site has it."""
        self._load_day = history.day
        self._faults: set[str] = set()
        self.advance(now)

    def advance(self, now: int) -> None:
        """Tell the time."""
        self.now = now
        self._minute = now // MINUTE
        self._oldest_hour = now // HOUR - HOURS_KEPT + 1
        self._oldest = (now // DAY - DAYS_KEPT + 1) * DAY

    def apply(self, value: bytes) -> None:
        """Count an event from its bytes; what cannot be counted is passed over."""
        try:
            self._apply(value)
        except Exception as error:
            # Whatever it is, it would be the same with every further try of the same record.
            self._pass_over(error)

    def _apply(self, value: bytes) -> None:
        event = self._reader.read(value)
        mark = fingerprint(event.site, event.id)
        if event.bot and not self._count_bots:
            self.counts.bots += 1
            if event.name == PAGEVIEW:
                self.left_out.add(event.site)
        elif event.time < self._oldest:
            self.counts.too_old += 1
        elif (site := self.site(event.site, make=True)) is None:
            self.counts.sites_full += 1
        elif not self.duplicates.first(event.time // HOUR, mark):
            self.counts.duplicates += 1
        else:
            site.apply(event, self._oldest_hour, self._minute)
            self.counts.counted += 1

    def _pass_over(self, error: Exception) -> None:
        """Count it, and say it once for each kind, without the record: it may hold anything."""
        self.counts.bad += 1
        kind = type(error).__name__
        if kind in self._faults:
            return
        self._faults.add(kind)
        expected = isinstance(error, ValueError | AttributeError)
        fields = {"reason": str(error) if isinstance(error, BadEvent) else kind}
        level = logging.WARNING if expected else logging.ERROR
        trace = None if expected else error
        _log.log(level, "a record cannot be counted", exc_info=trace, extra={"fields": fields})

    def site(self, name: str, make: bool = False) -> Site | None:
        """A site's counts, from memory or from what was saved; `make` begins them when new."""
        site = self.sites.get(name)
        if site is not None:
            return site
        known = self._history.knows(name)
        if not (known or make) or len(self.sites) >= self._bounds.sites:
            return None
        site = self.sites[name] = self._new(name)
        if known:
            self._fill(site)
        return site

    def age(self, name: str) -> None:
        """Have a saved site drop what is too old, also one beyond the bound, which is let go of."""
        if self.site(name) is None and self._history.knows(name):
            self._fill(self._new(name))

    def sweep(self, now: int) -> Iterator[None]:
        """Drop what is too old; yields often, so that others can run in between."""
        self.advance(now)
        self.duplicates.forget_before(self._oldest // HOUR)
        oldest_day = self._oldest_hour * HOUR // DAY
        for number, site in enumerate(list(self.sites.values())):
            self._removed.extend((site, window) for window in site.sweep(now))
            if self._history is not _NO_HISTORY:
                self._let_go(site, oldest_day)
            if number % 100 == 99:
                yield

    def take_changes(self, write: Write | None = None) -> Changes:
        """What changed since the last call, to be saved as it is now.

        Counting may go on: `write` is called with a window that is `taken` before it changes.
        """
        changes = Changes(self._changed[:], self._removed)
        self._changed.clear()
        self._removed = []
        self._write = write
        for _, window in changes.changed:
            window.changed, window.taken = False, write is not None
        return changes

    def all_written(self) -> None:
        """No window is `taken` any more: what was written down is to be kept by nobody here."""
        self._write = None

    def _write_taken(self, site: Site, window: Window) -> None:
        if self._write is not None:
            self._write(site, window)

    def _new(self, name: str) -> Site:
        return Site(name, self._changed, self._load_day, self._write_first)

    def _fill(self, site: Site) -> None:
        for window in self._history.site(site.name, self._oldest_hour * HOUR // DAY):
            site.restore(window)
        self._removed.extend((site, window) for window in site.sweep(self.now))

    def _let_go(self, site: Site, oldest_day: int) -> None:
        """Forget days that are saved and will not change soon, and sites without any."""
        for start in [start for start, day in site.days.items() if start < oldest_day]:
            if not site.days[start].changed:
                del site.days[start]
        if not (site.minutes or site.hours or site.days):
            del self.sites[site.name]
