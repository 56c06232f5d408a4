"""`ingest stats SITE`: who is there now and who was, from a running server."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from ingest.beacon.site import site_name
from ingest.config import Read
from ingest.http.api_models import BREAKDOWNS, STEPS
from ingest.http.rfc3339 import read_time, write_time
from ingest.stats.queries import DAYS_KEPT, HOURS_KEPT, Step
from ingest.stats_client import NoAnswerError, StatsError, ask
from ingest.stats_range import Range, read_range

DEFAULT_RANGE: Final = "7d"
DEFAULT_LIMIT: Final = 10
_WIDEST: Final = 60
"""Characters of a value at most."""
_COLUMNS: Final = (
    ("visitors", "visitors"),
    ("visitor_days", "visitor days"),
    ("pageviews", "page views"),
    ("peak", "most at once"),
    ("engaged_seconds", "in sight"),
)
"""Members of rows, with what stands above them where rows have them."""
Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be shown."""

    site: str
    range: str = DEFAULT_RANGE
    by: str | None = None
    """None: rows by time and all lists."""
    limit: int = DEFAULT_LIMIT
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """What the server answered."""

    now: Answer
    stats: Mapping[str, Answer]
    """By what rows are by."""
    unlisted: bool
    """Whether lists were wanted of a range of which none are kept."""


def show_stats(config: Read, wanted: Wanted) -> int:
    """Print a site's counts; returns 0, or 1 when there is nothing to show."""
    try:
        found = _find(config, wanted)
        lines = [_as_json(found)] if wanted.as_json else list(_lines(found))
    except StatsError as error:
        hint = " (--url names another)" if isinstance(error, NoAnswerError) else ""
        print(f"ingest: {error}{hint}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        print(f"ingest: {config.url} does not answer as this version does", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


def _find(config: Read, wanted: Wanted) -> _Found:
    """Raises `StatsError`, and what follows from an answer that is none of ours."""
    site = site_name(wanted.site)
    if site is None:
        raise StatsError(f"{wanted.site!r} is no site's name")
    address = f"/api/v1/sites/{site}"
    now = ask(config, f"{address}/now")
    clock = read_time(now["as_of"])
    given = read_range(wanted.range, clock)
    bys, unlisted = _bys(wanted, given, clock)
    stats = {by: ask(config, f"{address}/stats?{_query(by, given, wanted)}") for by in bys}
    if not (_anybody(now, stats) or _anybody(now, {"day": ask(config, f"{address}/stats?by=day")})):
        raise StatsError(_nobody(now))
    return _Found(now, stats, unlisted)


def _bys(wanted: Wanted, given: Range, now: int) -> tuple[Sequence[str], bool]:
    if wanted.by is not None:
        return (wanted.by,), False
    step = given.step.name.lower()
    return ((step, *BREAKDOWNS), False) if given.is_listed(now) else ((step,), True)


def _query(by: str, given: Range, wanted: Wanted) -> str:
    query = {"by": by, "from": write_time(given.start), "to": write_time(given.end)}
    return urlencode(query if by in STEPS else {**query, "limit": wanted.limit})


def _anybody(now: Answer, stats: Mapping[str, Answer]) -> bool:
    if now["now"] or now["peak"]["at"]:
        return True
    return any(row["pageviews"] for answer in stats.values() for row in answer["rows"])


def _nobody(now: Answer) -> str:
    bots = now.get("bots_left_out", 0)
    left_out = f"; page views of bots that were left out: {bots:,}" if bots else ""
    return (
        f"no visit to {now['site']} was counted in the last {DAYS_KEPT} days{left_out}. "
        "Is the name right, and the widget on its pages?"
    )


def _as_json(found: _Found) -> str:
    return json.dumps({"now": found.now, "stats": found.stats}, ensure_ascii=False, indent=2)


def _lines(found: _Found) -> Iterator[str]:
    now = found.now
    yield f"{now['site']}, {_minute(now['as_of'])} UTC"
    if "delayed_since" in now:
        since = _minute(now["delayed_since"])
        yield f"delayed: not all events since {since} UTC are counted yet; they will be"
    peak = now["peak"]
    most = f", most today {peak['value']:,} at {peak['at'][11:16]}" if peak["at"] else ""
    yield f"now {now['now']:,} online{most}"
    for by, answer in found.stats.items():
        yield ""
        yield from _table(by, answer, now["as_of"])
    if found.unlisted:
        yield ""
        yield f"Lists go back {HOURS_KEPT} hours, in whole hours, or {DAYS_KEPT} days."


def _table(by: str, answer: Answer, as_of: str) -> Iterator[str]:
    step = STEPS.get(by)
    rows = answer["rows"]
    if step is not None:  # the newest first, none of the future
        rows = [row for row in reversed(rows) if row["value"] <= as_of]
    if not rows:
        yield f"{by}: none"
        return
    columns = [(name, title) for name, title in _COLUMNS if any(name in row for row in rows)]
    head = (by if step is None else f"{by} (UTC)", *(title for _, title in columns))
    cells = [
        (_value(row["value"], step), *(_number(row, name) for name, _ in columns)) for row in rows
    ]
    yield from _aligned([head, *cells])
    if "lacking" in answer:
        yield f"too many to count each: a row may lack {answer['lacking']:,} page views at most"


def _value(value: str, step: Step | None) -> str:
    if step is not None:
        return value[:10] if step is Step.DAY else _minute(value)
    # It came from strangers, and a terminal obeys what cannot be seen.
    seen = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in value)
    return seen if len(seen) <= _WIDEST else f"{seen[: _WIDEST - 1]}…"


def _number(row: Answer, name: str) -> str:
    if name == "engaged_seconds":
        minutes, seconds = divmod(round(row[name]), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    more = "+" if name == "visitors" and row.get("saturated") else ""
    return f"{row[name]:,}{more}"


def _aligned(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Values to the left, numbers to the right."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for value, *numbers in rows:
        right = "".join(
            f"  {number:>{width}}" for number, width in zip(numbers, widths[1:], strict=True)
        )
        yield f"{value:{widths[0]}}{right}"


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")
