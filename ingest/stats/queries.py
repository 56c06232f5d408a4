"""What pages, badge and API may ask of the counts. Times are epoch milliseconds, UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOW_MINUTES = 5
"""Minutes that "now" spans: the current one and those before it."""
MINUTES_KEPT = 60
"""Minutes whose rows can be asked for, the current one included."""
HOURS_KEPT = 48
"""Hours whose rows can be asked for, the current one included."""
DAYS_KEPT = 20
"""Days with breakdowns, today included; of older ones the numbers stay."""


class Step(IntEnum):
    """How wide a row of a series is, in milliseconds."""

    MINUTE = MINUTE
    HOUR = HOUR
    DAY = DAY


class By(StrEnum):
    """What a breakdown is by."""

    PAGE = "page"
    """Host and path, such as `example.org/docs/`: a site may span hosts."""
    REFERRER = "referrer"
    """Host without `www.`; the page's own host does not count."""
    COUNTRY = "country"
    BROWSER = "browser"
    OS = "os"
    DEVICE = "device"
    NAME = "name"
    """The event's name: `pageviews` are then the events of that name."""


class RangeError(ValueError):
    """A range that is not kept at that width, or not cut at its borders; says what may be asked."""


def are_whole_days(start: int, end: int, now: int) -> bool:
    """Whether a range is of whole UTC days, the current one as far as it went: kept for longer."""
    return start % DAY == 0 and (end % DAY == 0 or end > now)


@dataclass(frozen=True, slots=True)
class Now:
    """Who is there now."""

    site: str
    now: int
    """Visitors of the current minute and the 4 before it."""
    as_of: int
    """The time for which that holds."""
    peak_value: int
    """Most at one time in this UTC day; 0: nobody yet."""
    peak_at: int | None
    """The minute of that; None: nobody yet."""
    delayed_since: int | None
    """Since when events reach the counts late, or None when they do not."""
    bots_left_out: int | None = 0
    """Page views of bots not counted since the start, at least; None: they are counted."""
    version: int = 0
    """Up to which `version` is in it: of a large site that may be an earlier one."""


@dataclass(frozen=True, slots=True)
class Point:
    """A row of a series. Times without a visit have a row of zeros."""

    start: int
    pageviews: int
    visitors: int
    """At least this many."""
    engaged_seconds: float = 0.0
    peak: int = 0
    """Most at one time, for days; else 0."""
    saturated: bool = False
    """More visitors than can be told apart: read it as "more than"."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a breakdown."""

    value: str
    pageviews: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The most frequent values, most visitors first."""

    rows: tuple[Row, ...]
    several_days: bool
    """Whether `visitors` are `visitor_days`: a person counts once on each day."""
    missing: int = 0
    """Pageviews by which a row may be too low, or that a value left out may have."""


class Queries(Protocol):
    """All on the event loop. A site that was never heard of answers like one without visits."""

    def now(self, site: str) -> Now:
        """Who is there now; in well under a millisecond."""

    def online(self, site: str) -> int:
        """Only the number of `now`, for the badge."""

    def version(self, site: str) -> int:
        """A number that changes when something of this site was counted: look, and wait.

        "Now" also falls by itself, minute by minute: ask it again within some seconds all the same.
        """

    def pages_now(self, site: str, limit: int = 10) -> tuple[Row, ...]:
        """The pages that visitors of "now" saw last, most visitors first; `pageviews` is 0."""

    async def series(self, site: str, start: int, end: int, step: Step) -> tuple[Point, ...]:
        """Rows from `start` (inclusive) to `end` (exclusive), cut at multiples of `step`.

        Minutes for the last hour, hours for the last 48, days beyond. Raises `RangeError`.
        """

    async def breakdown(
        self, site: str, start: int, end: int, by: By, limit: int = 100
    ) -> Breakdown:
        """Break pageviews and visitors down by `by`.

        Whole hours within the last 48, whole UTC days within the last 20. Raises `RangeError`.
        """

    async def breakdowns(
        self, site: str, start: int, end: int, limits: Mapping[By, int]
    ) -> Mapping[By, Breakdown]:
        """Break it down in several ways at little more than the cost of one; rows by way."""

    async def total(self, site: str, start: int, end: int) -> Point:
        """All of a range in one row, as `breakdown` cuts it; visitors of several days are added."""
