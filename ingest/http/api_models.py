"""The API's words, once: what requests may say and what answers hold.

Requests are read by these classes, answers are made of them, and the OpenAPI description is
generated from them.
"""

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ingest.http.rfc3339 import read_time, write_time
from ingest.stats.queries import NOW_MINUTES, Breakdown, By, Now, Point, Row, Step

STEPS: Final = {step.name.lower(): step for step in Step}
BREAKDOWNS: Final = {by.value: by for by in By}
_AT_TIMES: Final = ("delayed_since", "bots_left_out")
"""Members of `NowAnswer` that are not always there."""
MOST_ROWS: Final = 500
"""Rows of a breakdown at most: as many values as are told apart."""


def _known(by: str) -> str:
    if by not in STEPS and by not in BREAKDOWNS:
        raise ValueError(f"is none of {', '.join((*STEPS, *BREAKDOWNS))}")
    return by


_TIME_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time"})
TimeGiven = Annotated[int, BeforeValidator(read_time), _TIME_SCHEMA]
"""Read from RFC 3339 into epoch milliseconds."""
Time = Annotated[str, _TIME_SCHEMA]
"""Written as RFC 3339."""
_BY_SCHEMA = WithJsonSchema({"type": "string", "enum": [*STEPS, *BREAKDOWNS]})
ByGiven = Annotated[str, AfterValidator(_known), _BY_SCHEMA]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True,
                              serialize_by_alias=True, validate_by_name=True)  # fmt: skip

    def json_bytes(self) -> bytes:
        """Return it as JSON; what is not known is left out."""
        return self.model_dump_json(exclude_none=True).encode()


class StatsQuery(_Model):
    """The parameters of `/stats`."""

    by: ByGiven = "day"
    """What a row is: a time (`minute`, `hour`, `day`), or a value of what is named."""
    start: Annotated[TimeGiven | None, Field(alias="from")] = None
    """First moment, RFC 3339; a whole minute, hour or UTC day, as `by` says (breakdowns: hours \
within the last 48, else whole UTC days). Default: the oldest kept, for a breakdown the last day."""
    end: Annotated[TimeGiven | None, Field(alias="to")] = None
    """Moment before which it ends, likewise. Default: the end of the current one; for a breakdown \
the end of today."""
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 100
    """Rows of a breakdown at most, most visitors first."""


class PeakAnswer(_Model):
    """The most at one time in this UTC day."""

    value: int
    at: Time | None
    """The minute of it; null when nobody was there yet."""


class NowAnswer(_Model):
    """Who is there now."""

    site: str
    now: int
    """Visitors of the current minute and the four before it: at least this many."""
    window_seconds: int = 60 * NOW_MINUTES
    as_of: Time
    """When that was so."""
    peak: PeakAnswer
    delayed_since: Time | None = None
    """Present while events reach the counts late: since when."""
    bots_left_out: int | None = None
    """Present when page views of bots were not counted since the start: at least so many."""

    @classmethod
    def of(cls, now: Now) -> "NowAnswer":
        """Word an answer of the counts."""
        return cls(
            site=now.site,
            now=now.now,
            as_of=write_time(now.as_of),
            peak=PeakAnswer(value=now.peak_value, at=_time(now.peak_at)),
            delayed_since=_time(now.delayed_since),
            bots_left_out=now.bots_left_out or None,
        )

    def json_bytes(self) -> bytes:
        """Return it as JSON; `peak.at` is null where there is none."""
        left_out = {name for name in _AT_TIMES if getattr(self, name) is None}
        return self.model_dump_json(exclude=left_out).encode()


class StatsRow(_Model):
    """A row."""

    value: str
    """The row's first moment (RFC 3339), or the value that was broken down by."""
    pageviews: int
    visitors: int | None = None
    """At least this many people."""
    visitor_days: int | None = None
    """In place of `visitors` where a breakdown spans several days: who came on two counts twice."""
    engaged_seconds: float | None = None
    """Seconds that pages were in sight (hours and days)."""
    peak: int | None = None
    """Most at one time (days)."""
    saturated: bool | None = None
    """True where there were more visitors than can be told apart."""


class StatsAnswer(_Model):
    """A range of a site's counts."""

    site: str
    by: str
    start: Annotated[Time, Field(alias="from")]
    end: Annotated[Time, Field(alias="to")]
    rows: tuple[StatsRow, ...]
    lacking: int | None = None
    """Present where there were too many values to count each: the pageviews that a row may lack, \
or that a value left out may have, at most."""
    delayed_since: Time | None = None
    """Present while events reach the counts late: since when."""


class ProblemAnswer(BaseModel):
    """What is wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    """The parameter that is bad."""


def series_rows(points: tuple[Point, ...], step: Step) -> tuple[StatsRow, ...]:
    """Word the rows of a series."""
    return tuple(
        StatsRow(
            value=write_time(point.start),
            pageviews=point.pageviews,
            visitors=point.visitors,
            engaged_seconds=None if step is Step.MINUTE else point.engaged_seconds,
            peak=point.peak if step is Step.DAY else None,
            saturated=point.saturated or None,
        )
        for point in points
    )


def breakdown_rows(found: Breakdown) -> tuple[StatsRow, ...]:
    """Word the rows of a breakdown."""
    return tuple(_row(row, found.several_days) for row in found.rows)


def _row(row: Row, several_days: bool) -> StatsRow:
    if several_days:
        return StatsRow(value=row.value, pageviews=row.pageviews, visitor_days=row.visitors)
    return StatsRow(value=row.value, pageviews=row.pageviews, visitors=row.visitors)


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else write_time(milliseconds)
