"""What the live page shows of a site, put together from the counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest.stats.queries import HOUR, By, Now, Point, Queries, Row, Step

MINUTES, HOURS, DAYS = 30, 24, 20
"""How many of each are shown, the current one included."""
_ROWS = 10
_COUNTRIES = 250
"""All of them: the map shows more than the list has room for."""
_TITLES: Mapping[By, tuple[str, str]] = {
    By.REFERRER: ("Referrers", "Site"),
    By.PAGE: ("Pages", "Page"),
    By.BROWSER: ("Browsers", "Browser"),
    By.OS: ("Operating systems", "System"),
    By.DEVICE: ("Devices", "Device"),
}
_LIMITS: Mapping[By, int] = {By.COUNTRY: _COUNTRIES, **dict.fromkeys(_TITLES, _ROWS)}


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a chart."""

    at: str
    """RFC 3339."""
    text: str
    visitors: int
    pageviews: int
    highest: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a list."""

    value: str
    text: str
    visitors: int
    percent: int
    """Of the longest row."""


@dataclass(frozen=True, slots=True)
class Top:
    """A list of what is most frequent."""

    name: str
    title: str
    column: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class LiveView:
    """All of the page."""

    site: str
    now: int
    peak: int
    peak_at: str
    """RFC 3339; empty: nobody yet today."""
    delayed_since: str
    """RFC 3339; empty: not delayed."""
    bots_left_out: int | None
    """None: bots are counted."""
    minutes: tuple[Bar, ...]
    hours: tuple[Bar, ...]
    days: tuple[Bar, ...]
    reading: tuple[Line, ...]
    countries: Top
    tops: tuple[Top, ...]
    several_days: bool
    """Whether countries and tops are of two days: nobody can be told again on the next."""

    @property
    def empty(self) -> bool:
        """Whether nobody was counted in all of the time that is shown."""
        return not self.now and not any(bar.pageviews or bar.visitors for bar in self.days)


async def live_view(queries: Queries, names: Mapping[str, str], site: str, clock: int) -> LiveView:
    """Ask for all of it. `names` are countries' by code; `clock` is in epoch milliseconds."""
    now = queries.now(site)
    start, end = (clock // HOUR - HOURS + 1) * HOUR, (clock // HOUR + 1) * HOUR
    found = await queries.breakdowns(site, start, end, _LIMITS)
    countries = _lines(found[By.COUNTRY].rows, names)
    tops = [Top(by, *title, _lines(found[by].rows, {})) for by, title in _TITLES.items()]
    return LiveView(
        site,
        now.now,
        now.peak_value,
        _at(now.peak_at),
        _at(now.delayed_since),
        now.bots_left_out,
        await _bars(queries, site, now, Step.MINUTE, MINUTES),
        await _bars(queries, site, now, Step.HOUR, HOURS),
        await _bars(queries, site, now, Step.DAY, DAYS),
        _lines(queries.pages_now(site, _ROWS), {}),
        Top(By.COUNTRY, "Countries", "Country", countries),
        tuple(tops),
        found[By.COUNTRY].several_days,
    )


async def _bars(queries: Queries, site: str, now: Now, step: Step, count: int) -> tuple[Bar, ...]:
    end = (now.as_of // step + 1) * step
    points = await queries.series(site, end - count * step, end, step)
    most = max((point.visitors for point in points), default=0)
    highest = next((at for at, point in enumerate(points) if point.visitors == most > 0), None)
    return tuple(_bar(point, step, at == highest) for at, point in enumerate(points))


def _bar(point: Point, step: Step, highest: bool) -> Bar:
    when = datetime.fromtimestamp(point.start / 1000, UTC)
    text = f"{when:%-d %b}" if step is Step.DAY else f"{when:%H:%M} UTC"
    return Bar(_at(point.start), text, point.visitors, point.pageviews, highest)


def _lines(rows: tuple[Row, ...], names: Mapping[str, str]) -> tuple[Line, ...]:
    most = max((row.visitors for row in rows), default=0)
    return tuple(
        Line(
            row.value,
            names.get(row.value, row.value),
            row.visitors,
            100 * row.visitors // most if most else 0,
        )
        for row in rows
    )


def _at(time: int | None) -> str:
    if time is None:
        return ""
    return f"{datetime.fromtimestamp(time // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
