"""The JSON API: who is there now, and a range of the counts."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl

from pydantic import ValidationError

from ingest.beacon.hit import Hit
from ingest.beacon.site import site_name
from ingest.http import cors
from ingest.http.access import Access, Reading, denied
from ingest.http.api_models import (
    BREAKDOWNS,
    STEPS,
    NowAnswer,
    StatsAnswer,
    StatsQuery,
    breakdown_rows,
    series_rows,
)
from ingest.http.problem import problem
from ingest.http.reply import JSON, NO_STORE, NOSNIFF, Header, Reply, reply
from ingest.http.rfc3339 import write_time
from ingest.outcome import Outcome, Route
from ingest.stats.queries import (
    DAY,
    DAYS_KEPT,
    HOUR,
    HOURS_KEPT,
    MINUTES_KEPT,
    By,
    Queries,
    RangeError,
    Step,
)

PATH_SITES = "/api/v1/sites/"
_ONE_SECOND: Header = ("Cache-Control", "public, max-age=1")
_MOST_PARAMETERS = 20
_KEPT = {Step.MINUTE: MINUTES_KEPT, Step.HOUR: HOURS_KEPT, Step.DAY: DAYS_KEPT}


class BadParameter(ValueError):
    """A parameter that cannot be used."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Asked:
    """A site that is asked about, by someone who may read it."""

    site: str
    public: bool

    @property
    def cors(self) -> tuple[Header, ...]:
        """Scripts of any site may read what anyone may."""
        return cors.ANYONE if self.public else ()


class Api:
    """Answers for `/api/v1/sites/SITE/now` and `/stats`."""

    def __init__(self, queries: Queries, access: Access, clock: Callable[[], int]) -> None:
        """`clock` returns epoch milliseconds."""
        self._queries = queries
        self._access = access
        self._clock = clock

    async def now(self, hit: Hit) -> Reply:
        """`GET …/now`."""
        asked = asked_for(hit, self._access)
        if isinstance(asked, Reply):
            return asked
        body = NowAnswer.of(self._queries.now(asked.site)).json_bytes()
        headers = (JSON, NO_STORE, NOSNIFF, *asked.cors)
        return reply(HTTPStatus.OK, headers, body, Route.PAGE, Outcome.PAGE)

    async def stats(self, hit: Hit) -> Reply:
        """`GET …/stats`."""
        asked = asked_for(hit, self._access)
        if isinstance(asked, Reply):
            return asked
        try:
            body = (await self._stats(asked.site, read_query(hit.query))).json_bytes()
        except BadParameter as bad:
            return problem(
                HTTPStatus.BAD_REQUEST,
                str(bad),
                Route.PAGE,
                Outcome.PAGE,
                headers=asked.cors,
                members={"field": bad.name},
            )
        caching = _ONE_SECOND if asked.public else NO_STORE
        headers = (JSON, caching, NOSNIFF, *asked.cors)
        return reply(HTTPStatus.OK, headers, body, Route.PAGE, Outcome.PAGE)

    async def _stats(self, site: str, query: StatsQuery) -> StatsAnswer:
        """Raises `BadParameter`."""
        step = STEPS.get(query.by)
        start, end = bounds(query, step, self._clock())
        lacking = 0
        try:
            if step is not None:
                rows = series_rows(await self._queries.series(site, start, end, step), step)
            else:
                by: By = BREAKDOWNS[query.by]
                found = await self._queries.breakdown(site, start, end, by, query.limit)
                rows, lacking = breakdown_rows(found), found.missing
        except RangeError as error:
            raise BadParameter("from", str(error)) from None
        since = self._queries.now(site).delayed_since
        return StatsAnswer(
            site=site,
            by=query.by,
            start=write_time(start),
            end=write_time(end),
            rows=rows,
            lacking=lacking or None,
            delayed_since=None if since is None else write_time(since),
        )


def asked_for(hit: Hit, access: Access) -> Asked | Reply:
    """Which site the path names; a refusal where there is none, or it may not be read."""
    site = site_name(hit.path.removeprefix(PATH_SITES).partition("/")[0])
    if site is None:
        return denied(Reading.NO_NAME, cors.ANYONE)
    reading = access.reading(site, hit.headers)
    if reading.allowed:
        return Asked(site, reading is Reading.PUBLIC)
    return denied(reading, () if reading is Reading.DENIED else cors.ANYONE)


def read_query(query: bytes) -> StatsQuery:
    """Read the parameters; of a repeated one the first counts, an empty one is absent.

    Raises `BadParameter`, never with a value.
    """
    try:
        pairs = parse_qsl(query.decode("ascii"), max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise BadParameter("query", f"has more than {_MOST_PARAMETERS} parameters") from None
    given = dict(reversed(pairs))
    try:
        return StatsQuery.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "extra_forbidden":
            known = ", ".join(
                field.alias or name for name, field in StatsQuery.model_fields.items()
            )
            raise BadParameter("query", f"has a parameter that is none of {known}") from None
        why = first["msg"].removeprefix("Value error, ")
        raise BadParameter(str(first["loc"][0]), why) from None


def bounds(query: StatsQuery, step: Step | None, now: int) -> tuple[int, int]:
    """First and last moment that are asked for, the defaults filled in. Raises `BadParameter`."""
    width = HOUR if step is None else step
    named = "hour" if step is None else step.name.lower()
    until = DAY if step is None else step
    end = (now // until + 1) * until if query.end is None else query.end
    if query.start is not None:
        start = query.start
    elif step is None:
        start = (end - 1) // DAY * DAY
    else:
        start = (now // step - _KEPT[step] + 1) * step
    for name, time in (("from", start), ("to", end)):
        if time % width:
            raise BadParameter(name, f"must be a whole {named} (UTC)")
    if start >= end:
        raise BadParameter("to", "must be after from")
    return start, end
