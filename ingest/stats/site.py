"""The counts of one site."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ingest.stats import together
from ingest.stats.breakdown import FOLD, UNKNOWN
from ingest.stats.event import LEAVE, PAGEVIEW, Event
from ingest.stats.queries import DAY, HOUR, HOURS_KEPT, MINUTE, MINUTES_KEPT, NOW_MINUTES
from ingest.stats.uniques import SPACE, low_bits
from ingest.stats.windows import HOURS_A_DAY, MINUTES_A_DAY, Day, Hour, Minute, Window

Changed = list[tuple["Site", Window]]
"""Gets a window when it changes for the first time since the last save began."""
Write = Callable[["Site", Window], None]
"""Called with a window that is `taken` before it changes."""
_MINUTES = MINUTES_KEPT * MINUTE
_SMALL = 32
"""Visitors of a minute up to which it need not be packed at once."""
_NOTHING: dict[int, together.Together] = {}
"""Of a site that is not large. Never added to."""
LoadDay = Callable[[str, int], Day | None]
"""Reads a day that is not in memory."""


class Online(NamedTuple):
    """How many were there, in which minute, after which version; and when that was found out."""

    minute: int
    version: int
    number: int
    time: int


class Site:
    """Windows of one site. Pure: what it does follows from the events alone."""

    __slots__ = (
        "_changed",
        "_fresh",
        "_load_day",
        "_together",
        "_write",
        "days",
        "hours",
        "minutes",
        "name",
        "online",
        "version",
    )

    def __init__(self, name: str, changed: Changed, load_day: LoadDay, write: Write) -> None:
        self.name = name
        self.minutes: dict[int, Minute] = {}
        self.hours: dict[int, Hour] = {}
        self.days: dict[int, Day] = {}
        self.version = 0
        """Changes with each event."""
        self.online: Online | None = None
        """What `look` found last."""
        self._together = _NOTHING
        """What `look` keeps of large sets, by the day of the key that numbers their visitors."""
        self._fresh: list[int] = []
        """Minutes that changed since they were weighed."""
        self._changed = changed
        self._write = write
        self._load_day = load_day

    def apply(self, event: Event, oldest_hour: int, clock: int) -> None:
        """Count an event; what is older than `oldest_hour` counts for its day only.

        `clock` is the minute by the reader's clock.
        """
        self.version += 1
        name, visitor, time = event.name, event.visitor, event.time
        start = time // HOUR
        # An hour that is kept, or the day: what follows is the same.
        window = self._hour(start) if start >= oldest_hour else self._day(start // HOURS_A_DAY)
        window.engaged += event.engaged_seconds
        if name == PAGEVIEW:
            window.add_view(
                (low_bits(visitor) if visitor >= 0 else UNKNOWN, event.page, event.referrer,
                 event.country, event.browser, event.os, event.device)
            )  # fmt: skip
        else:
            window.add_other(name, visitor)
            if name == LEAVE:
                return
        if event.received - time < _MINUTES:
            minute = self._minute(time // MINUTE, clock)
            if name == PAGEVIEW:
                minute.add_view(visitor)
            if visitor >= 0:
                next_key = event.received // DAY > time // DAY
                minute.add_present(visitor, event.page, next_key)

    def restore(self, window: Window) -> None:
        """Take in what was saved."""
        if isinstance(window, Minute):
            self.minutes[window.start] = window
            if not window.weighed:
                self._fresh.append(window.start)
        elif isinstance(window, Hour):
            self.hours[window.start] = window
        else:
            self.days[window.start] = window

    def holds(self, window: Window) -> bool:
        """Whether it is one of this site's windows still."""
        windows: Mapping[int, Window] = self.minutes
        if isinstance(window, Hour):
            windows = self.hours
        elif isinstance(window, Day):
            windows = self.days
        return windows.get(window.start) is window

    def now(self, minute: int) -> int:
        """Visitors of a minute and the four before it.

        At midnight the key of the visitors' numbers changes, and whoever stays gets another number:
        of the two keys' counts the larger, not their sum.
        """
        return max([together.count(sets) for sets in self._keys(minute).values()], default=0)

    def pages(self, minute: int) -> dict[int, str]:
        """The page that each visitor saw last, of the key whose count is `now`."""
        keys = self._keys(minute)
        if not keys:
            return {}
        # The later day's where both have as many: these came last.
        _, day = max([(together.count(sets), day) for day, sets in keys.items()])
        last: dict[int, str] = {}
        for start in range(minute - NOW_MINUTES + 1, minute + 1):
            window = self.minutes.get(start)
            if window is not None and start // MINUTES_A_DAY == day:
                last.update([(who, page) for who, page in window.present.items() if page])
        return last

    def _keys(self, minute: int) -> dict[int, list[together.Present]]:
        """Who is there now, by the day of the key that numbers them."""
        keys: dict[int, list[together.Present]] = {}
        for start in range(minute - NOW_MINUTES + 1, minute + 1):
            window = self.minutes.get(start)
            if window is None:
                continue
            day = start // MINUTES_A_DAY
            there = window.more or window.present
            if there:
                keys.setdefault(day, []).append(there)
            if window.next_key is not None:
                keys.setdefault(day + 1, []).append(window.next_key)
        return keys

    def look(self, minute: int, time: int) -> Online:
        """Find `now`, and remember it."""
        kept: dict[int, together.Together] = {}
        number = 0
        for day, sets in self._keys(minute).items():
            if sum(map(len, sets)) <= together.FEW:
                there = together.count(sets)
            else:
                kept[day] = self._together.get(day) or together.Together()
                there = kept[day].count(sets)
            number = max(number, there)
        self._together = kept or _NOTHING
        self.online = Online(minute, self.version, number, time)
        return self.online

    def peak(self, minute: int, weigh: bool = True) -> tuple[int, int]:
        """Most at one time in the day of a minute so far, and the minute of it; (0, 0): nobody.

        Without `weigh` it is that of the minutes looked at so far.
        """
        if weigh:
            self.weigh()
        day = self.days.get(minute // MINUTES_A_DAY)
        return (day.peak, day.peak_minute) if day is not None else (0, 0)

    def weigh(self) -> None:
        """Look for the days' peaks in the minutes that changed.

        A minute can only gain: at its end "now" is at least what it was within, so it is enough to
        look once it is over, or when somebody asks.
        """
        if not self._fresh:
            return
        fresh, self._fresh = sorted(self._fresh), []
        # Who came late may be there in the minutes that follow, too.
        begin = last = fresh[0]
        for start in fresh:
            if start - last >= NOW_MINUTES:
                self._weigh(begin, last + NOW_MINUTES)
                begin = start
            last = start
        self._weigh(begin, last + NOW_MINUTES)

    def _weigh(self, begin: int, end: int) -> None:
        """Look at the minutes from `begin` on; most need no union of sets to see it is no peak."""
        find, spanned = self.minutes.get, NOW_MINUTES - 1
        near = [find(start) for start in range(begin - spanned, end)]
        bounds = [_at_most(minute) for minute in near]
        for at in range(spanned, len(near)):
            minute = near[at]
            if minute is None:
                continue
            if minute.taken and not minute.changed:
                self._note(minute)
            minute.weighed = True
            there = 0
            for before in range(at - spanned, at + 1):
                there += bounds[before]
            self._compare(minute.start, there)

    def _compare(self, start: int, at_most: int) -> None:
        """Have "now" of a minute, of which a bound is known, as the day's peak if it is."""
        number = start // MINUTES_A_DAY
        day = self.days.get(number) or self._day(number)
        if at_most > day.peak and (there := self.now(start)) > day.peak:
            day = self._day(number)
            day.peak, day.peak_minute = there, start

    def sweep(self, now: int) -> Iterator[Window]:
        """Drop what is too old to be kept in detail, and say what; `now` in milliseconds."""
        if self.online is not None and self.online.minute <= now // MINUTE - NOW_MINUTES:
            self._together = _NOTHING  # nobody asks, and who was there is to be forgotten
        oldest_minute = now // MINUTE - MINUTES_KEPT + 1
        if self.minutes and min(self.minutes) < oldest_minute:
            yield from self._drop_minutes(oldest_minute)
        oldest_hour = now // HOUR - HOURS_KEPT + 1
        for start in [start for start in self.hours if start < oldest_hour]:
            hour = self.hours.pop(start)
            self._day(start // HOURS_A_DAY).take(hour)
            yield hour

    def _drop_minutes(self, oldest: int) -> Iterator[Window]:
        self.weigh()
        for start in [start for start in self.minutes if start < oldest]:
            yield self.minutes.pop(start)

    def _minute(self, start: int, clock: int) -> Minute:
        minute = self.minutes.get(start)
        if minute is None:
            if self._weigh_now():
                self.weigh()
                # Of two clocks the later one may be wrong: who is there now stays there.
                self._pack(min(start, clock))
            minute = self.minutes[start] = Minute(start)
        if not minute.changed:
            if minute.taken:
                self._write(self, minute)
            minute.changed = True
            self._changed.append((self, minute))
        if minute.weighed:
            minute.weighed = False
            self._fresh.append(start)
        return minute

    def _weigh_now(self) -> bool:
        """Whether to weigh before a minute is begun: small ones wait for others, which costs less.

        Until then they keep who is present.
        """
        fresh = self._fresh
        if not fresh or len(fresh) >= NOW_MINUTES:
            return True
        minute = self.minutes.get(fresh[-1])
        return minute is None or len(minute.present) > _SMALL

    def _pack(self, newest: int) -> None:
        """Have the minutes before the newest take less room."""
        for minute in reversed(self.minutes.values()):
            if minute.packed:
                return
            if minute.taken and not minute.changed:
                self._note(minute)
            minute.pack(gone=minute.start <= newest - NOW_MINUTES)

    def _hour(self, start: int) -> Hour:
        hour = self.hours.get(start)
        if hour is None:
            for earlier in self.hours.values():
                if earlier.is_read and len(earlier.audience.rows) >= FOLD:
                    earlier.audience.fold()
            hour = self.hours[start] = Hour(start)
        if not hour.changed:
            if hour.taken:
                self._write(self, hour)
            hour.changed = True
            self._changed.append((self, hour))
        return hour

    def _day(self, start: int) -> Day:
        """The day, to be changed."""
        day = self.days.get(start)
        if day is None:
            day = self.days[start] = self._load_day(self.name, start) or Day(start)
        if not day.changed:
            if day.taken:
                self._write(self, day)
            day.changed = True
            self._changed.append((self, day))
        return day

    def _note(self, window: Window) -> None:
        """What changes in a window that is being saved is saved with the next save."""
        self._write(self, window)
        window.changed = True
        self._changed.append((self, window))


def _at_most(minute: Minute | None) -> int:
    """A bound of who was there."""
    if minute is None:
        return 0
    if minute.more is not None:
        return SPACE
    there = len(minute.present)
    if minute.next_key is not None:
        there += len(minute.next_key)
    return there
