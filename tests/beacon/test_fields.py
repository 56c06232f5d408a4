import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.body import read_body, read_object
from ingest.beacon.event_text import EventText
from ingest.beacon.fields import (
    FIELDS,
    JSON_NAMES,
    MAX_PROPS,
    NUMBER,
    PIXEL_NAMES,
    PROP_NAME_LIMIT,
    PROP_VALUE_LIMIT,
    SHORT_NAMES,
    by_number,
    read_age,
    read_props,
)
from ingest.beacon.plain import put_plain
from ingest.beacon.query import QueryReader, read_query

SIZES = ("screen_width", "screen_height", "viewport_width", "viewport_height")
SHORT = {field.name: field.short for field in FIELDS}
texts = st.text(st.characters(exclude_categories=("Cs",)))
values = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.lists(texts)


def plain(values: dict[str, object]) -> tuple[dict[str, object], list[str]]:
    text, dropped = EventText(), list[str]()
    put_plain(by_number(values), text, dropped)
    return json.loads(b"{" + text.take()[1:] + b"}"), dropped


def kept(name: str, value: object) -> object:
    """What becomes of one value; None when it is dropped."""
    event, dropped = plain({name: value})
    assert (name in event) != (dropped == [name])
    return event.get(name)


def from_query(name: str, text: str) -> object:
    query = f"{SHORT[name]}={text}".encode()
    value = kept(name, QueryReader(SHORT_NAMES).read(query)[NUMBER[name]])
    assert value == kept(name, read_query(query, PIXEL_NAMES).values[name])
    return value


def from_json(name: str, text: str) -> object:
    item: Any = read_body(f'{{"{name}":{text}}}'.encode()).items[0]
    return kept(name, read_object(item, JSON_NAMES).values[name])


WHOLE = [(name, 1, 32_767) for name in SIZES] + [("copied_characters", 0, 10_000_000)]


@pytest.mark.parametrize(("name", "low", "high"), WHOLE)
def test_whole_numbers_are_taken_between_their_bounds(name: str, low: int, high: int) -> None:
    for number in (low, low + 1, high - 1, high):
        assert from_query(name, str(number)) == number
        assert from_json(name, str(number)) == number
        assert from_json(name, f'"{number}"') == number
        assert type(from_json(name, f'"{number}"')) is int
        assert from_query(name, f"00{number}") == number
    for number in (low - 1, high + 1, 2**31, 2**63, 2**64, 10**30, -(2**63)):
        assert from_query(name, str(number)) is None
        assert from_json(name, str(number)) is None
        assert from_json(name, f'"{number}"') is None


@pytest.mark.parametrize("name", [*SIZES, "copied_characters"])
@pytest.mark.parametrize(
    "bad",
    [
        "1e3",
        "1E3",
        "1.0",
        "1.5",
        "0x10",
        "-5",
        "1_000",
        "+5",
        " 5",
        "5 ",
        "5\n",
        "٣",
        "５",
        "²",
        "NaN",
        "Infinity",
        "true",
        "1,000",
        "9" * 5000,
        True,
        False,
        1.0,
        1.5,
        1000.0,
        math.inf,
        math.nan,
        [5],
        {"a": 5},
    ],
    ids=lambda value: repr(value)[:16],
)
def test_what_is_no_whole_number_is_dropped(name: str, bad: object) -> None:
    assert kept(name, bad) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("86400", 86_400),
        ("86400.0", 86_400),
        ("1.5", 1.5),
        ("0.0004", 0),
        ("0.0005001", 0.001),
        ("12.3456", 12.346),
        ("0.30000000000000004", 0.3),
        ("00.50", 0.5),
    ],
)
def test_seconds_may_have_decimals_and_are_kept_to_the_millisecond(
    text: str, seconds: float
) -> None:
    for found in (from_query("engaged_seconds", text), from_json("engaged_seconds", f'"{text}"')):
        assert found == seconds
        assert type(found) is type(seconds)
    if not text.startswith("00"):
        assert from_json("engaged_seconds", text) == seconds


@pytest.mark.parametrize(
    "bad",
    [
        "86400.001",
        "86401",
        "-0.1",
        "-0",
        "1e3",
        "1.",
        ".5",
        "1.5.5",
        "1,5",
        "٣",
        "1.٣",
        "nan",
        "inf",
        "Infinity",
        " 1",
        "9" * 5000,
        True,
        False,
        86400.001,
        -0.001,
        -1,
        math.inf,
        math.nan,
        10**400,
        [1],
        {},
    ],
    ids=lambda value: repr(value)[:16],
)
def test_bad_seconds_are_dropped(bad: object) -> None:
    assert kept("engaged_seconds", bad) is None


def test_json_numbers_with_an_exponent_are_seconds_like_others() -> None:
    assert from_json("engaged_seconds", "1e3") == 1_000
    assert from_json("engaged_seconds", "-0.0") == 0
    assert json.dumps(from_json("engaged_seconds", "-0.0")) == "0"


@given(st.floats(0, 86_400) | st.integers(0, 86_400))
def test_every_number_of_seconds_of_a_day_is_taken(number: float) -> None:
    found = from_json("engaged_seconds", json.dumps(number))
    assert isinstance(found, int | float)
    assert 0 <= found <= 86_400
    assert abs(found - number) <= 0.000_501


@pytest.mark.parametrize(
    ("good", "age"), [(0, 0), (86_400_000, 86_400_000), ("0", 0), ("86400000", 86_400_000)]
)
def test_an_age_is_up_to_a_day(good: object, age: int) -> None:
    assert read_age(good) == age


@pytest.mark.parametrize("bad", [-1, "-1", 86_400_001, "86400001", 1.0, "1.0", True, [], 10**400])
def test_a_bad_age_is_none(bad: object) -> None:
    assert read_age(bad) is None


@pytest.mark.parametrize("good", ["a", "0", "_", "-", "aZ09_-", "a" * 32])
def test_a_page_id_stays(good: str) -> None:
    assert kept("page_id", good) == good


@pytest.mark.parametrize("bad", ["a" * 33, "a b", "a.b", "a\n", "é", "٣", "a=", 1, True, ["a"]])
def test_a_bad_page_id_is_dropped(bad: object) -> None:
    assert kept("page_id", bad) is None


@pytest.mark.parametrize(
    "good", ["en", "en-GB", "en_GB", "zh-Hant-TW", "de-CH-1996", "sl-rozaj-biske-1994", "i-klingon"]
)
def test_a_language_stays(good: str) -> None:
    assert kept("language", good) == good


@pytest.mark.parametrize("bad", ["e!", "-en", "en-", "en--GB", "a" * 9, "日本", "en\n", 1, ["en"]])
def test_a_bad_language_is_dropped(bad: object) -> None:
    assert kept("language", bad) is None


@pytest.mark.parametrize(
    "good",
    [
        "UTC",
        "Europe/Paris",
        "America/Argentina/Buenos_Aires",
        "Etc/GMT+5",
        "Etc/GMT-14",
        "EST5EDT",
        "America/Port-au-Prince",
        "+05:30",
        "-03:00",
    ],
)
def test_a_time_zone_stays(good: str) -> None:
    assert kept("timezone", good) == good


@pytest.mark.parametrize(
    "bad", ["/Paris", "Europe/", "a b", "a//b", "a/b/c/d", "a" * 200, "é", "UTC\n", "+5", 1, []]
)
def test_a_bad_time_zone_is_dropped(bad: object) -> None:
    assert kept("timezone", bad) is None


@given(st.dictionaries(st.sampled_from([field.name for field in FIELDS]), values))
def test_every_value_is_kept_or_named(given_: dict[str, object]) -> None:
    event, dropped = plain(given_)
    checked = {field.name for field in FIELDS if field.read is not None} - {"age_ms"}
    there = {name for name, value in given_.items() if value is not None}
    assert set(event) | set(dropped) == checked & there
    assert set(event).isdisjoint(dropped)
    json.dumps(event, allow_nan=False)


def test_names_are_given_once() -> None:
    names = [field.name for field in FIELDS]
    shorts = [field.short for field in FIELDS if field.short]
    assert len({*names, *shorts}) == len(names) + len(shorts)


def test_the_names_are_those_of_the_contract() -> None:
    assert {field.short: field.name for field in FIELDS if field.short} == {
        "s": "site",
        "u": "url",
        "r": "referrer",
        "t": "title",
        "e": "name",
        "id": "event_id",
        "p": "page_id",
        "sw": "screen_width",
        "sh": "screen_height",
        "vw": "viewport_width",
        "vh": "viewport_height",
        "lang": "language",
        "tz": "timezone",
        "d": "engaged_seconds",
        "n": "copied_characters",
        "age": "age_ms",
        "w": "widget",
    }
    assert [field.name for field in FIELDS if not field.short] == ["props"]


# props


def test_good_pairs_are_kept() -> None:
    assert read_props({"plan": "free", "ключ": "значение"}) == (
        {"plan": "free", "ключ": "значение"}, False,
    )  # fmt: skip


def test_lengths_are_inclusive() -> None:
    longest = {"n" * PROP_NAME_LIMIT: "v" * PROP_VALUE_LIMIT}
    assert read_props(longest) == (longest, False)
    assert read_props({"n" * (PROP_NAME_LIMIT + 1): "v"}) == ({}, True)
    assert read_props({"n": "v" * (PROP_VALUE_LIMIT + 1)}) == ({}, True)


def test_ten_pairs_are_kept_and_further_ones_are_bad() -> None:
    pairs = {f"n{number}": "v" for number in range(MAX_PROPS)}
    assert read_props(pairs) == (pairs, False)
    assert read_props({**pairs, "more": "v"}) == (pairs, True)
    assert read_props({**pairs, "more": ""}) == (pairs, False), "empty is absent"


@pytest.mark.parametrize("bad", [1, 1.5, True, None, ["v"], {"a": "b"}], ids=repr)
def test_a_bad_pair_goes_alone(bad: object) -> None:
    assert read_props({"a": "1", "b": bad, "c": "2"}) == ({"a": "1", "c": "2"}, True)


@pytest.mark.parametrize("bad", [1, "text", True, [], [["a", "b"]]], ids=repr)
def test_props_that_are_no_object_are_bad(bad: object) -> None:
    assert read_props(bad) == ({}, True)


def test_pairs_are_cleaned() -> None:
    given_ = {" a\0": " b\n", "mail": "to john@example.org", "empty": "", "": "x", "\0": "x"}
    assert read_props(given_) == ({"a": "b", "mail": "to [email]"}, True)


@given(st.dictionaries(texts, values) | values)
def test_any_props_end_within_the_bounds(given_: object) -> None:
    props, bad = read_props(given_)
    assert len(props) <= MAX_PROPS
    for name, text in props.items():
        assert 1 <= len(name) <= PROP_NAME_LIMIT
        assert 1 <= len(text) <= PROP_VALUE_LIMIT
    if isinstance(given_, dict) and not bad:
        assert all(isinstance(name, str) and isinstance(text, str) for name, text in given_.items())
