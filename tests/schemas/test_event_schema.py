"""Events and rejected events are what the schemas say, from both lanes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mmdb_writer
import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from netaddr import IPSet

from ingest.beacon.fields import FIELDS, JSON_NAMES
from ingest.outcome import Outcome, Route
from tests.beacon.support import CHROME, NOW, collector, post
from tests.http.corpus import well_formed
from tests.http.harness import Harness, harness, request

_SCHEMAS = Path(__file__).parents[2] / "schemas"
_NOT_YET = {"origin"}
"""Told by `sites.file` alone, which nothing reads yet: take it out when that is there."""
_PLACE = {
    "country": {"iso_code": "DE"},
    "subdivisions": [{"iso_code": "BE"}],
    "city": {"names": {"en": "Berlin"}},
}
_LONG = "https://page.example/" + "a" * 3_000
_FULL = {
    "site": "example", "name": "copy", "event_id": "018f0000-0000-7000-8000-00000000000a",
    "url": _LONG, "referrer": _LONG, "title": "x" * 600, "page_id": "p", "screen_width": 1,
    "screen_height": 2, "viewport_width": 3, "viewport_height": 4, "language": "de",
    "timezone": "Europe/Berlin", "engaged_seconds": 0.5, "copied_characters": 1, "age_ms": 1,
    "widget": "pro", "props": {"k": "v"},
}  # fmt: skip
_ALL_BAD = {
    name: {} for name in JSON_NAMES.values() if name not in ("site", "name", "widget", "props")
}


def pytest_asyncio_loop_factories() -> dict[str, Any]:
    """The server's loop."""
    return {"uvloop": uvloop.new_event_loop}


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((_SCHEMAS / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return schema


_EVENT, _REJECTED = _schema("event.v1.json"), _schema("rejected.v1.json")
# Closed, so that a property which the schema does not know is an error too.
_CLOSED = Draft202012Validator(
    {**_EVENT, "additionalProperties": False}, format_checker=Draft202012Validator.FORMAT_CHECKER
)
_REJECTED_CLOSED = Draft202012Validator(
    _REJECTED, format_checker=Draft202012Validator.FORMAT_CHECKER
)


def _errors(validator: Draft202012Validator, found: object) -> list[str]:
    return [error.message for error in validator.iter_errors(found)]


@pytest.fixture(params=[True, False], ids=["fast lane", "slow lane"])
async def lane(request, tmp_path):
    database = tmp_path / "geo.mmdb"
    writer = mmdb_writer.MMDBWriter(6, "Test", ipv4_compatible=True)
    writer.insert_network(IPSet(["198.51.100.0/24"]), _PLACE)
    writer.to_db_file(str(database))
    options = {"fast_lane": request.param, "trusted_proxies": ["127.0.0.0/8"]}
    async with harness(tmp_path, http=options, geo={"database": database}) as made:
        yield made


def _names(events: list[dict[str, Any]]) -> Iterator[str]:
    for found in events:
        yield from found


async def _send_full(lane: Harness) -> None:
    headers = {
        "User-Agent": CHROME.decode(),
        "X-Forwarded-For": "198.51.100.7",
        "Accept-Language": "de",
    }
    kinds: tuple[Mapping[str, object], ...] = (
        _FULL,
        {**_ALL_BAD, "props": [], "site": "a"},
        {"site": "a b"},
        {"site": "a", "name": "Bad"},
    )
    for body in kinds:
        await lane.send(request("POST", "/e", headers, json.dumps(body).encode()))


async def test_every_event_of_the_corpus_is_valid(lane):
    for sample in well_formed():
        await lane.send(sample.data, method=sample.method)
    assert len(lane.events) > 200
    for found in lane.events:
        assert _errors(_CLOSED, found) == [], found


async def test_every_rejected_event_of_the_corpus_is_valid(lane):
    for sample in well_formed():
        await lane.send(sample.data, method=sample.method)
    assert len(lane.rejected) > 30
    for found in lane.rejected:
        assert _errors(_REJECTED_CLOSED, found) == [], found
    assert {found["route"] for found in lane.rejected} == {"p.gif", "e", "badge"}


async def test_the_fullest_event_has_every_property_of_the_schema_and_no_other(lane):
    await _send_full(lane)
    full, bad = lane.events
    assert _errors(_CLOSED, full) == []
    assert _errors(_CLOSED, bad) == []
    assert set(_names(lane.events)) == set(_EVENT["properties"]) - _NOT_YET


async def test_what_can_be_cut_or_dropped_is_what_the_schema_names(lane):
    await _send_full(lane)
    full, bad = lane.events
    assert set(full["truncated"]) == set(_EVENT["properties"]["truncated"]["items"]["enum"])
    assert set(bad["dropped"]) == set(_EVENT["properties"]["dropped"]["items"]["enum"])


async def test_the_fullest_rejected_event_has_every_property_of_its_schema_and_no_other(lane):
    await _send_full(lane)
    assert [_errors(_REJECTED_CLOSED, found) for found in lane.rejected] == [[], []]
    assert set(_names(lane.rejected)) == set(_REJECTED["properties"])
    assert set(_REJECTED["properties"]["field"]["enum"]) == {"site", "name"}


def test_every_field_of_a_ping_is_a_property_or_becomes_one():
    become = {"event_id": "id", "age_ms": "time"}
    names = {become.get(field.name, field.name) for field in FIELDS}
    assert names <= set(_EVENT["properties"])


def test_the_routes_of_rejected_events_are_the_beacons():
    assert set(_REJECTED["properties"]["route"]["enum"]) == {
        Route.PIXEL, Route.EVENTS, Route.BADGE,
    }  # fmt: skip


def test_what_must_be_there_is_what_the_barest_event_has(tmp_path):
    (verdict,) = collector(tmp_path).collect(post({"s": "a"}), NOW).verdicts
    assert set(json.loads(verdict.event)) - {"ip", "visitor"} == set(_EVENT["required"])


@pytest.mark.parametrize("schema", [_EVENT, _REJECTED], ids=["event", "rejected"])
def test_null_is_never_valid(schema):
    for name, about in schema["properties"].items():
        assert not Draft202012Validator(about).is_valid(None), name


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["https://a.example/ü?ref=x y", "http://a.example/[b]%zz/me@mail.example"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)  # fmt: skip
_HEADERS = st.dictionaries(
    st.sampled_from(
        [b"user-agent", b"accept-language", b"sec-ch-ua", b"sec-ch-ua-platform", b"referer"]
    ),
    st.binary(max_size=60),
)


@given(
    fields=st.dictionaries(st.sampled_from(sorted(JSON_NAMES)), _VALUES),
    named=st.booleans(),
    headers=_HEADERS,
)
@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_whatever_json_is_sent_is_a_valid_event_or_a_valid_rejected_one(
    tmp_path, fields, named, headers
):
    if named:
        fields = {**fields, "site": "example", "name": "pageview"}
    hit = post(json.dumps(fields).encode("utf-8"), headers)
    (verdict,) = collector(tmp_path).collect(hit, NOW).verdicts
    if verdict.outcome is Outcome.STORED:
        assert _errors(_CLOSED, json.loads(verdict.event)) == []
    else:
        assert _errors(_REJECTED_CLOSED, json.loads(verdict.rejection)) == []
