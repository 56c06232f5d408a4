"""The JSON API, over real sockets and in both lanes' configurations."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from ingest.http.api import BadParameter, bounds, read_query
from ingest.http.api_models import BREAKDOWNS, STEPS
from ingest.http.openapi import description
from ingest.http.rfc3339 import write_time
from ingest.outcome import Outcome, Route
from ingest.stats.queries import DAY, HOUR, MINUTE
from tests.http.harness import NOW, Answer, Harness, harness, request
from tests.stats.support import event

SITE = "shop.example"
TOKEN = "a-long-random-word"
SITES = f"""
[sites."{SITE}"]
public = true
[sites.closed]
token = "{TOKEN}"
"""
TODAY = NOW // DAY * DAY
THIS_HOUR = NOW // HOUR * HOUR
THIS_MINUTE = NOW // MINUTE * MINUTE


@pytest.fixture(params=[True, False], ids=["fast lane", "slow lane"])
async def server(tmp_path, request):
    async with harness(tmp_path, http={"fast_lane": request.param}) as made:
        yield made
        assert made.balanced()


@pytest.fixture
async def listed(tmp_path):
    file = tmp_path / "sites.toml"
    file.write_text(SITES)
    async with harness(tmp_path, sites={"file": file}) as made:
        await count(made, *({"visitor": n, "site": "closed"} for n in range(3)))
        yield made


async def count(server: Harness, *events: dict[str, Any]) -> None:
    await server.keeper.apply(
        [event(received=NOW, **{"at": NOW, "site": SITE, **e}) for e in events]
    )


async def ask(server: Harness, query: str = "", site: str = SITE, **headers: str) -> Answer:
    return await server.get(f"/api/v1/sites/{site}/stats?{query}", **headers)


def valid(answer: Answer, model: str) -> Any:
    """The answer's JSON, checked against the API's own description."""
    document = answer.json()
    components = description()["components"]
    schema = {"$ref": f"#/components/schemas/{model}", "components": components}
    Draft202012Validator(schema).validate(document)
    return document


async def test_now_says_who_is_there(server):
    await count(server, *({"visitor": n} for n in range(3)))
    answer = await server.get(f"/api/v1/sites/{SITE.upper()}/now")
    assert answer.status == 200
    assert valid(answer, "NowAnswer") == {
        "site": SITE,
        "now": 3,
        "window_seconds": 300,
        "as_of": write_time(NOW),
        "peak": {"value": 3, "at": write_time(THIS_MINUTE)},
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "beacon-outcome" not in answer.headers


async def test_a_site_that_was_never_heard_of_has_nobody(server):
    document = valid(await server.get("/api/v1/sites/unheard/now"), "NowAnswer")
    assert (document["now"], document["peak"]) == (0, {"value": 0, "at": None})
    assert valid(await ask(server, "by=page", "unheard"), "StatsAnswer")["rows"] == []


async def test_answers_say_since_when_they_are_delayed(server):
    server.lag.caught_up(NOW - 60_000)
    server.lag.behind(NOW)
    document = valid(await server.get(f"/api/v1/sites/{SITE}/now"), "NowAnswer")
    assert document["delayed_since"] == write_time(NOW - 60_000)
    assert valid(await ask(server), "StatsAnswer")["delayed_since"] == write_time(NOW - 60_000)


@pytest.mark.parametrize(
    ("by", "rows", "last"),
    [("minute", 60, THIS_MINUTE), ("hour", 48, THIS_HOUR), ("day", 20, TODAY)],
)
async def test_a_series_is_all_that_is_kept_unless_asked_otherwise(server, by, rows, last):
    await count(server, {"visitor": 1}, {"visitor": 1}, {"visitor": 2})
    document = valid(await ask(server, f"by={by}"), "StatsAnswer")
    assert len(document["rows"]) == rows
    row = document["rows"][-1]
    assert (row["value"], row["pageviews"], row["visitors"]) == (write_time(last), 3, 2)
    assert ("peak" in row) is (by == "day")
    assert ("engaged_seconds" in row) is (by != "minute")
    assert document["by"] == by


async def test_a_range_is_from_inclusive_to_exclusive(server):
    await count(server, {"at": THIS_HOUR - HOUR}, {"at": THIS_HOUR, "visitor": 2})
    query = f"by=hour&from={write_time(THIS_HOUR - HOUR)}&to={write_time(THIS_HOUR)}"
    document = valid(await ask(server, query), "StatsAnswer")
    assert [row["pageviews"] for row in document["rows"]] == [1]
    assert document["from"] == write_time(THIS_HOUR - HOUR)
    assert document["to"] == write_time(THIS_HOUR)


@pytest.mark.parametrize(
    ("by", "fields", "value"),
    [
        ("page", {"url": "https://a.example/x?y"}, "a.example/x"),
        ("referrer", {"referrer": "https://www.b.example/"}, "b.example"),
        ("country", {"country": "DE"}, "DE"),
        ("browser", {"browser": "Firefox"}, "Firefox"),
        ("os", {"os": "Linux"}, "Linux"),
        ("device", {"device": "tablet"}, "tablet"),
        ("name", {"name": "signup"}, "signup"),
    ],
)
async def test_today_is_broken_down(server, by, fields, value):
    await count(server, fields, {**fields, "visitor": 2})
    rows = valid(await ask(server, f"by={by}"), "StatsAnswer")["rows"]
    assert {"value": value, "pageviews": 2, "visitors": 2} in rows


async def test_over_several_days_a_breakdown_counts_visitor_days(server):
    await count(
        server, {"url": "https://a.example/"}, {"url": "https://a.example/", "at": NOW - DAY}
    )
    document = valid(await ask(server, f"by=page&from={write_time(TODAY - DAY)}"), "StatsAnswer")
    assert document["rows"] == [{"value": "a.example/", "pageviews": 2, "visitor_days": 2}]


async def test_bots_that_were_left_out_are_told(server):
    now = f"/api/v1/sites/{SITE}/now"
    assert "bots_left_out" not in (await server.get(now)).json()
    await count(server, {"bot": True}, {"bot": True})
    document = valid(await server.get(now), "NowAnswer")
    assert (document["now"], document["bots_left_out"]) == (0, 2)
    rows = valid(await ask(server), "StatsAnswer")["rows"]
    assert sum(row["pageviews"] for row in rows) == 0


async def test_the_first_rows_are_kept(server):
    await count(server, *({"url": f"https://a.example/{n}", "visitor": n} for n in range(5)),
                {"url": "https://a.example/0", "visitor": 9})  # fmt: skip
    rows = valid(await ask(server, "by=page&limit=2"), "StatsAnswer")["rows"]
    assert [row["value"] for row in rows] == ["a.example/0", "a.example/1"]


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("by=week", "by", "is none of minute, hour"),
        ("from=yesterday", "from", "is no time"),
        ("to=2026-02-30T00:00:00Z", "to", "does not exist"),
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=501", "limit", "less than or equal to 500"),
        ("limit=many", "limit", "valid integer"),
        ("form=2026-01-01T00:00:00Z", "query", "none of by, from, to, limit"),
        ("&".join(f"a{n}=b" for n in range(30)), "query", "more than 20"),
        ("from=2026-01-01T00:00:01Z", "from", "must be a whole day"),
        ("by=hour&to=2026-01-01T00:30:00Z", "to", "must be a whole hour"),
        ("by=page&from=2026-01-01T00:30:00Z", "from", "must be a whole hour"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to", "must be after from"),
        (f"by=minute&from={write_time(THIS_MINUTE - 60 * MINUTE)}", "from", "kept for an hour"),
        (f"by=hour&from={write_time(THIS_HOUR - 48 * HOUR)}", "from", "kept for 48"),
        (f"by=page&from={write_time(TODAY - 20 * DAY)}", "from", "kept for 20 days"),
        (f"by=page&from={write_time(TODAY - 5 * DAY + HOUR)}", "from", "last 48 hours"),
        ("by=day&from=1970-01-01T00:00:00Z", "from", "2,000 days at most"),
    ],
)
async def test_what_is_bad_is_named(server, query, field, said):
    answer = await ask(server, query)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    document = valid(answer, "ProblemAnswer")
    assert document["field"] == field
    assert said in document["detail"]
    assert "yesterday" not in document["detail"]


@pytest.mark.parametrize("what", ["now", "stats", "stream"])
async def test_a_private_site_is_read_with_its_token_only(listed, what):
    target = f"/api/v1/sites/closed/{what}"
    answer = await listed.get(target, Origin="https://elsewhere.example")
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "access-control-allow-origin" not in answer.headers
    assert (await listed.get(target, Authorization="Bearer another-long-word")).status == 401
    assert (await listed.get(target, Cookie=f"read.closed={TOKEN}")).status == 401
    given = await listed.get(f"/live/closed?token={TOKEN}")
    cookie = given.headers["set-cookie"].partition(";")[0]
    for header in ({"Authorization": f"Bearer {TOKEN}"}, {"Cookie": cookie}):
        answer = await listed.send(request("HEAD", target, header), method=b"HEAD")
        assert answer.status == 200
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


async def test_a_public_answer_may_be_kept_for_a_second(listed):
    assert (await ask(listed)).headers["cache-control"] == "public, max-age=1"
    answer = await listed.get("/api/v1/sites/closed/stats", Authorization=f"Bearer {TOKEN}")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("what", ["now", "stats", "stream"])
async def test_a_site_that_is_not_listed_or_no_name_is_not_there(listed, what):
    for site in ("other", "-bad", "a" * 65):
        answer = await listed.get(f"/api/v1/sites/{site}/{what}")
        assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_other_methods_and_paths_are_refused(server):
    answer = await server.post(b"", f"/api/v1/sites/{SITE}/now")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    answer = await server.post(b"", f"/api/v1/sites/{SITE}/stream")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    for path in ("", "/", "/then", "/now/", "/no%77"):
        assert (await server.get(f"/api/v1/sites/{SITE}{path}")).status == 404


async def test_head_answers_without_a_body(server):
    for what in ("now", "stats", "stream"):
        raw = request("HEAD", f"/api/v1/sites/{SITE}/{what}")
        answer = await server.send(raw, method=b"HEAD")
        assert (answer.status, answer.body) == (200, b"")
    assert server.api.stream.viewers == 0


async def test_requests_are_counted_as_pages(server):
    await server.get(f"/api/v1/sites/{SITE}/now")
    await ask(server, "by=week")
    await server.get("/api/v1/openapi.json")
    assert server.counts.answered[Route.PAGE, Outcome.PAGE] == 3
    assert server.events == []


async def test_the_description_is_served_and_valid(server):
    answer = await server.get("/api/v1/openapi.json")
    assert answer.status == 200
    document = answer.json()
    assert document == description()
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    assert "max-age" in answer.headers["cache-control"]
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_every_path_that_is_described_is_there(server):
    for path, methods in description()["paths"].items():
        assert list(methods) == ["get"]
        answer = await server.send(request("HEAD", path.replace("{site}", SITE)), method=b"HEAD")
        assert answer.status == 200, path


def _described() -> dict[str, Any]:
    stats = description()["paths"]["/api/v1/sites/{site}/stats"]["get"]
    return {each["name"]: each["schema"] for each in stats["parameters"] if each["in"] == "query"}


def test_every_parameter_that_is_described_is_read_within_its_bounds():
    schemas = _described()
    assert list(schemas) == ["by", "from", "to", "limit"]
    assert schemas["by"]["enum"] == [*STEPS, *BREAKDOWNS]
    for by in schemas["by"]["enum"]:
        assert read_query(f"by={by}".encode()).by == by
    for bound in ("minimum", "maximum"):
        assert read_query(f"limit={schemas['limit'][bound]}".encode()).limit
    for name in ("from", "to"):
        assert schemas[name] == {"type": "string", "format": "date-time"}


def refused(call: Callable[[], object]) -> str | None:
    """The parameter that is named, if one is."""
    try:
        call()
    except BadParameter as bad:
        return bad.name
    return None


@given(st.binary(max_size=80).filter(lambda query: all(0x21 <= byte <= 0x7E for byte in query)))
def test_any_query_is_read_or_its_parameter_is_named(query):
    assert refused(lambda: read_query(query)) in (None, "query", "by", "from", "to", "limit")


_TIMES = st.one_of(st.none(), st.integers(0, 3 * NOW // MINUTE).map(lambda m: m * MINUTE))


@given(st.sampled_from([*STEPS, *BREAKDOWNS]), _TIMES, _TIMES)
def test_any_range_is_whole_or_refused(by, start, end):
    given_times = {"from": start, "to": end}
    text = "&".join(f"{k}={write_time(t)}" for k, t in given_times.items() if t is not None)
    query = read_query(f"by={by}&{text}".encode())
    step = STEPS.get(by)
    width = step or HOUR
    if refused(lambda: bounds(query, step, NOW)) in ("from", "to"):
        return
    first, last = bounds(query, step, NOW)
    assert first < last
    assert first % width == last % width == 0
    assert start in (None, first)
    assert end in (None, last)


@pytest.mark.parametrize("by", [*STEPS, *BREAKDOWNS])
def test_a_range_that_is_left_out_is_one_up_to_now(by):
    first, last = bounds(read_query(f"by={by}".encode()), STEPS.get(by), NOW)
    assert first <= NOW < last
