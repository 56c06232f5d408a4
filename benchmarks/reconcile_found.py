"""What was found of the numbered pings, and when to stop looking."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

import orjson

from benchmarks.reconcile import Answers, Report, reconcile, together
from benchmarks.reconcile_places import CannotLook, Place

_POLL = 0.25
"""Seconds between looks."""


class Tally:
    """How often each event was found."""

    def __init__(self, sites: Collection[str] | None = None) -> None:
        """Only events of `sites` are kept; of all when None."""
        self._sites = sites
        self.found: Counter[tuple[str, str]] = Counter()
        """Copies by site and id."""
        self.ignored = 0
        """Records that are no event: not JSON, or without a site and an id."""

    def take(self, value: bytes | None) -> None:
        """Count one record."""
        try:
            event = orjson.loads(value or b"")
            site, event_id = event["site"], event["id"]
        except (ValueError, KeyError, TypeError):
            self.ignored += 1
            return
        if not (isinstance(site, str) and isinstance(event_id, str)):
            self.ignored += 1
        elif self._sites is None or site in self._sites:
            self.found[site, event_id] += 1

    def of(self, site: str) -> Iterator[str]:
        """Ids of a site, each as often as it was found."""
        return (event_id for where, event_id in self.found.elements() if where == site)


class Patience:
    """Decides when the books may be closed."""

    def __init__(self, settle: float, longest: float, now: float) -> None:
        """`settle`: seconds without news once nothing is missing; `longest`: while something is.

        Late duplicates and phantoms come when nothing is missing any more: so it waits for both.
        """
        self._settle = settle
        self._longest = max(longest, settle)
        self._since = now
        self._copies = 0

    def over(self, report: Report | None, now: float) -> bool:
        """Take in what was found by now (None: it could not be looked); whether to stop looking."""
        if report is not None and report.copies != self._copies:
            self._copies, self._since = report.copies, now
        complete = report is not None and report.lost == 0
        return now - self._since >= (self._settle if complete else self._longest)


async def settled(
    everyone: Sequence[Answers],
    place: Place,
    tally: Tally,
    waits: tuple[float, float],
    on_look: Callable[[Report], object] = lambda report: None,
) -> Report:
    """Look until nothing new comes (`waits`: `settle` and `longest` of `Patience`).

    Raises `CannotLook` when the place cannot be read in the end.
    """
    clock = asyncio.get_running_loop().time
    patience = Patience(*waits, clock())
    try:
        while True:
            report, failure = None, None
            try:
                await place.read(tally.take)
            except CannotLook as error:
                failure = error
            else:
                report = together(reconcile(each, tally.of(each.site)) for each in everyone)
                on_look(report)
            if patience.over(report, clock()):
                if report is None:
                    raise failure or CannotLook("nothing was read")
                return report
            await asyncio.sleep(_POLL)
    finally:
        await place.close()
