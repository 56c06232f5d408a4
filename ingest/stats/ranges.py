"""Days, and parts of days, put together from what is in memory and what was saved."""

import asyncio
import sys
from collections.abc import Callable, Container
from dataclasses import dataclass

from ingest.stats.keeper import Keeper
from ingest.stats.queries import (
    DAY,
    DAYS_KEPT,
    HOUR,
    HOURS_KEPT,
    RangeError,
    Step,
    are_whole_days,
)
from ingest.stats.site import Site
from ingest.stats.uniques import Uniques
from ingest.stats.windows import HOURS_A_DAY, Day, Hour

_ALL = range(sys.maxsize)


@dataclass(slots=True)
class InNumbers:
    """A day of which only the numbers are wanted; `start` is counted from the epoch."""

    start: int
    views: int
    visitors: Uniques
    engaged: float
    """Seconds."""
    peak: int

    def take(self, hour: Hour) -> None:
        """Take in an hour that is not part of the day yet."""
        self.views += hour.views
        self.engaged += hour.engaged
        self.visitors.unite(hour.audience.visitors)


class Ranges:
    """Reads ranges of one keeper's counts."""

    def __init__(self, keeper: Keeper, clock: Callable[[], int]) -> None:
        self._keeper = keeper
        self._clock = clock

    async def parts(self, name: str, start: int, end: int) -> list[Day]:
        """Each day of a range, or the part of it; not to be changed. Raises `RangeError`."""
        now = self._clock()
        end = min(end, (now // HOUR + 1) * HOUR)
        if start % HOUR or end % HOUR or start > end:
            raise RangeError("from and to must be whole hours")
        oldest_hour = now // HOUR - HOURS_KEPT + 1
        first, last = start // DAY, (end - 1) // DAY
        if are_whole_days(start, end, now) and end > start:
            check(start, now // DAY - DAYS_KEPT + 1, Step.DAY, "breakdowns are kept for 20 days")
            return await self.whole_days(name, first, last + 1)
        check(start, oldest_hour, Step.HOUR, "only whole UTC days before the last 48 hours")
        site = self._keeper.stats.site(name)
        if site is None:
            return []
        wanted = range(start // HOUR, end // HOUR)
        return await _with_hours(
            [(Day(day), _hours(site, day, wanted)) for day in range(first, last + 1)]
        )

    async def whole_days(self, name: str, start: int, end: int) -> list[Day]:
        """Days as they stand with the hours that are not part of them yet; not to be changed."""
        found = await self._found(name, start, end)
        return await _with_hours([(_copy(day) if hours else day, hours) for day, hours in found])

    async def in_numbers(self, name: str, start: int, end: int) -> list[InNumbers]:
        """The same days without who came from where: only sets of visitors are put together."""
        found = await self._found(name, start, end)
        made = [(_begun(day), hours) for day, hours in found]
        for numbers, hours in made:
            for hour in hours:
                numbers.take(hour)
                await asyncio.sleep(0)
        return [numbers for numbers, _ in made]

    async def _found(self, name: str, start: int, end: int) -> list[tuple[Day, list[Hour]]]:
        """Each day there is, with the hours that are not part of it yet.

        Whoever lets others run has to copy the days before: they may take in hours meanwhile.
        """
        saved = await self._saved(name, start, end)
        site = self._keeper.stats.site(name)
        if site is None:
            return [(day, []) for day in saved.values()]
        site.weigh()
        found = []
        for number in range(start, end):
            day, hours = site.days.get(number) or saved.get(number), _hours(site, number)
            if day is not None or hours:
                found.append((day or Day(number), hours))
        return found

    async def _saved(self, name: str, start: int, end: int) -> dict[int, Day]:
        """What is on disk; memory lets go of days as soon as they are saved."""
        state = self._keeper.state
        while True:
            saves = state.saves
            found = {day.start: day for day in await state.days(name, start, end)}
            if state.saves == saves:
                return found


def _hours(site: Site, day: int, wanted: Container[int] = _ALL) -> list[Hour]:
    first = day * HOURS_A_DAY
    starts = (start for start in range(first, first + HOURS_A_DAY) if start in wanted)
    return [site.hours[start] for start in starts if start in site.hours]


def _begun(day: Day) -> InNumbers:
    return InNumbers(day.start, day.views, day.audience.visitors, day.engaged, day.peak)


def _copy(day: Day) -> Day:
    made = Day(day.start)
    made.peak, made.peak_minute = day.peak, day.peak_minute
    made.views, made.engaged = day.views, day.engaged
    made.audience.merge(day.audience)
    return made


async def _with_hours(parts: list[tuple[Day, list[Hour]]]) -> list[Day]:
    """Add hours to copies of their days; others run in between, and may drop hours meanwhile."""
    for day, hours in parts:
        for hour in hours:
            day.take(hour)
            await asyncio.sleep(0)
    return [day for day, _ in parts]


def check(start: int, oldest: int, step: Step, why: str) -> None:
    """Raises `RangeError` for a start that is too old."""
    if start < oldest * step:
        raise RangeError(why)
