"""Answers to `queries`, from memory, and for days past from what was saved."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from ingest.stats.event import PAGEVIEW
from ingest.stats.heavy_hitters import HeavyHitters, Hitter
from ingest.stats.keeper import Keeper
from ingest.stats.queries import (
    DAY,
    HOUR,
    HOURS_KEPT,
    MINUTE,
    MINUTES_KEPT,
    Breakdown,
    By,
    Now,
    Point,
    RangeError,
    Row,
    Step,
)  # fmt: skip
from ingest.stats.ranges import InNumbers, Ranges, check
from ingest.stats.site import Online, Site
from ingest.stats.uniques import Uniques
from ingest.stats.windows import Day, Hour

_LONGEST = 2_000
"""Rows of a series at most."""
_GOOD_FOR = 10_000
"""A number is good for a millisecond for each so many visitors, however many events come: finding
it takes 0.3 ms with a million, and 12 in a minute's first moments (measured)."""
_LONGEST_GOOD = 200
"""Milliseconds: with the stream's second it stays well below the two that the live page has."""


class Delay(Protocol):
    """Knows how far behind the log the counts are."""

    @property
    def since(self) -> int | None:
        """Since when events reach the counts late; None when they do not."""

    @property
    def current(self) -> bool:
        """Whether they were counted to the end of the log, and are not late since."""


class Answers:
    """Implements `Queries`."""

    def __init__(self, keeper: Keeper, delay: Delay, clock: Callable[[], int]) -> None:
        self._keeper = keeper
        self._delay = delay
        self._clock = clock
        self._ranges = Ranges(keeper, clock)

    def now(self, site: str) -> Now:
        """Who is there now."""
        now, since = self._clock(), self._delay.since
        counts, bots = self._site(site), self._keeper.bots_left_out(site)
        if counts is None:
            return Now(site, 0, now, 0, None, since, bots)
        known = self._online(counts, now)
        online = known.number
        value, minute = counts.peak(now // MINUTE, weigh=known.version == counts.version)
        if online > value:
            value, minute = online, now // MINUTE
        at = minute * MINUTE if value else None
        return Now(site, online, now, value, at, since, bots, known.version)

    def online(self, site: str) -> int:
        """Only the number."""
        counts = self._site(site)
        return 0 if counts is None else self._online(counts, self._clock()).number

    def active(self) -> Iterable[str]:
        """Sites in memory: all that may have visitors now."""
        return list(self._keeper.stats.sites)

    @property
    def delayed_since(self) -> int | None:
        """Since when events reach the counts late."""
        return self._delay.since

    @property
    def current(self) -> bool:
        """Whether the numbers are of now."""
        return self._delay.current

    def version(self, site: str) -> int:
        """A number that changes when something was counted."""
        counts = self._site(site)
        return 0 if counts is None else counts.version

    def pages_now(self, site: str, limit: int = 10) -> tuple[Row, ...]:
        """The pages that visitors of now saw last."""
        counts = self._site(site)
        if counts is None:
            return ()
        readers: dict[str, int] = {}
        for page in counts.pages(self._clock() // MINUTE).values():
            readers[page] = readers.get(page, 0) + 1
        return _best([Row(page, 0, visitors) for page, visitors in readers.items()], limit)

    async def series(self, site: str, start: int, end: int, step: Step) -> tuple[Point, ...]:
        """Rows of a range."""
        unit = step.name.lower()
        if start % step or end % step:
            raise RangeError(f"from and to must be whole {unit}s")
        if start > end:
            raise RangeError("from is after to")
        if (end - start) // step > _LONGEST:
            raise RangeError(f"a range has {_LONGEST:,} {unit}s at most")
        now = self._clock()
        if step is Step.MINUTE:
            check(start, now // MINUTE - MINUTES_KEPT + 1, step, "minutes are kept for an hour")
            return self._minutes(site, range(start // MINUTE, end // MINUTE))
        if step is Step.HOUR:
            check(start, now // HOUR - HOURS_KEPT + 1, step, "hours are kept for 48")
            return await self._hours(site, range(start // HOUR, end // HOUR))
        return await self._days(site, start // DAY, end // DAY)

    async def breakdown(
        self, site: str, start: int, end: int, by: By, limit: int = 100
    ) -> Breakdown:
        """Break a range down."""
        return (await self.breakdowns(site, start, end, {by: limit}))[by]

    async def breakdowns(
        self, site: str, start: int, end: int, limits: Mapping[By, int]
    ) -> Mapping[By, Breakdown]:
        """Break a range down in several ways; its hours are put together once for all of them."""
        parts = await self._ranges.parts(site, start, end)
        several_days = _days_in(start, end) > 1
        made = {}
        for by, limit in limits.items():
            rows, missing = await _rows(parts, by)
            made[by] = Breakdown(_best(rows, limit), several_days, missing)
        return made

    async def total(self, site: str, start: int, end: int) -> Point:
        """All of a range in one row."""
        parts = await self._ranges.parts(site, start, end)
        visitors = [part.audience.visitors for part in parts]
        return Point(
            start,
            sum(part.views for part in parts),
            sum(each.count for each in visitors),
            sum(part.engaged for part in parts),
            saturated=any(each.saturated for each in visitors),
        )

    def _site(self, name: str) -> Site | None:
        return self._keeper.stats.site(name)

    def _online(self, site: Site, now: int) -> Online:
        minute = now // MINUTE
        known = site.online
        if known is not None and known.minute == minute:
            if known.version == site.version:
                return known
            if 0 <= now - known.time < min(known.number // _GOOD_FOR, _LONGEST_GOOD):
                return known
        return site.look(minute, now)

    def _minutes(self, name: str, starts: range) -> tuple[Point, ...]:
        site = self._site(name)
        points = []
        for start in starts:
            minute = site.minutes.get(start) if site is not None else None
            views, visitors = 0, 0
            if minute is not None:
                views = minute.views
                visitors = minute.visitors.count
            points.append(Point(start * MINUTE, views, visitors))
        return tuple(points)

    async def _hours(self, name: str, starts: range) -> tuple[Point, ...]:
        site = self._site(name)
        points = []
        for start in starts:
            hour = site.hours.get(start) if site is not None else None
            if hour is None:
                points.append(Point(start * HOUR, 0, 0))
                continue
            points.append(_point(start * HOUR, hour, hour.audience.visitors))
            await asyncio.sleep(0)
        return tuple(points)

    async def _days(self, name: str, start: int, end: int) -> tuple[Point, ...]:
        points = {day: Point(day * DAY, 0, 0) for day in range(start, end)}
        for numbers in await self._keeper.state.numbers(name, start, end):
            points[numbers.day] = Point(
                numbers.day * DAY, numbers.views, numbers.visitors, numbers.engaged, numbers.peak
            )
        for day in await self._ranges.in_numbers(name, start, end):
            # Both where it was counted anew: from a log that may have held a part of it only.
            if day.views >= points[day.start].pageviews:
                points[day.start] = _point(day.start * DAY, day, day.visitors, day.peak)
        return tuple(points.values())


async def _rows(parts: Iterable[Day], by: By) -> tuple[list[Row], int]:
    """All rows of a breakdown in no order, and what they may lack; others run in between."""
    pageviews: dict[str, int] = {}
    visitors: dict[str, int] = {}
    missing = 0
    for part in parts:
        hitters = _top(part, by)
        missing += hitters.missing
        await asyncio.sleep(0)
        for value, hitter in hitters.items():
            pageviews[value] = pageviews.get(value, 0) + hitter.views
            visitors[value] = visitors.get(value, 0) + hitter.visitors.count
    return [Row(value, count, visitors[value]) for value, count in pageviews.items()], missing


def _top(day: Day, by: By) -> HeavyHitters:
    top = day.audience.top(by)
    if by is By.NAME and day.views:
        top.put(PAGEVIEW, Hitter(day.views, 0, day.audience.visitors))
    return top


def _point(start: int, window: Hour | InNumbers, visitors: Uniques, peak: int = 0) -> Point:
    return Point(start, window.views, visitors.count, window.engaged, peak, visitors.saturated)


def _best(rows: list[Row], limit: int) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.visitors, -row.pageviews, row.value))[:limit])


def _days_in(start: int, end: int) -> int:
    return (end - 1) // DAY - start // DAY + 1
