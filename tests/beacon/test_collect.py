"""What becomes of one request: the whole event, or why there is none."""

import json

import pytest

from ingest.beacon.collect import CollectCounts
from ingest.beacon.hit import Peer
from ingest.outcome import Outcome
from tests.beacon.support import (
    CHROME,
    FIRST_ID,
    GOOGLEBOT,
    NOW,
    RECEIVED,
    badge,
    changed,
    collector,
    event,
    only,
    pixel,
    post,
)

_ID = "018f0000-0000-7000-8000-00000000000a"
_DAY = 86_400_000
_HEADERS = {
    b"user-agent": CHROME,
    b"accept-language": b"de",
    b"referer": b"https://page.example/from/referer?q=1",
    b"cookie": b"session=secret",
}
_SEEN_BY_ALL = {
    "v": 1,
    "id": FIRST_ID,
    "time": RECEIVED,
    "received": RECEIVED,
    "site": "example",
    "name": "pageview",
    "bot": False,
    "share": True,
    "ip": "192.0.2.0",
    "browser": "Chrome",
    "browser_version": "126",
    "os": "Windows",
    "os_version": "10",
    "device": "desktop",
    "headers": {"accept-language": "de"},
}


@pytest.fixture
def made(tmp_path):
    return collector(tmp_path)


def _without_visitor(found: dict) -> dict:
    assert 0 <= found.pop("visitor") < 2**32
    return found


def test_a_pixel_becomes_this_event(made):
    query = {
        "s": "Example", "e": "copy", "id": _ID.upper(), "p": "page_1", "n": "12", "d": "2.50",
        "u": "https://user:pw@page.example/a?utm_source=x&key=secret#part", "t": " Title\x07 ",
        "r": "https://news.example/?q=me", "sw": "1920", "sh": "1080", "vw": "1200", "vh": "900",
        "lang": "en-GB", "tz": "Europe/Paris", "w": "pro", "unknown": "x",
    }  # fmt: skip
    assert _without_visitor(event(made, pixel(query, _HEADERS))) == _SEEN_BY_ALL | {
        "id": _ID,
        "name": "copy",
        "widget": "pro",
        "url": "https://page.example/a?utm_source=x",
        "url_source": "field",
        "referrer": "https://news.example/",
        "title": "Title",
        "page_id": "page_1",
        "screen_width": 1920,
        "screen_height": 1080,
        "viewport_width": 1200,
        "viewport_height": 900,
        "language": "en-GB",
        "timezone": "Europe/Paris",
        "engaged_seconds": 2.5,
        "copied_characters": 12,
    }


def test_json_becomes_this_event(made):
    body = {
        "site": "example", "s": "short", "name": "heartbeat", "url": "https://page.example/",
        "engaged_seconds": 15, "props": {"plan": "free"}, "age_ms": 1_678,
    }  # fmt: skip
    assert _without_visitor(event(made, post(body, _HEADERS))) == _SEEN_BY_ALL | {
        "time": "2026-01-02T03:04:04.000Z",
        "name": "heartbeat",
        "widget": "api",
        "url": "https://page.example/",
        "url_source": "field",
        "engaged_seconds": 15,
        "props": {"plan": "free"},
    }


def test_a_badge_becomes_this_event(made):
    hit = badge("Example", "t=Title&style=flat&sw=5&e=copy&id=x", _HEADERS)
    assert _without_visitor(event(made, hit)) == _SEEN_BY_ALL | {
        "widget": "free",
        "url": "https://page.example/from/referer",
        "url_source": "referer",
        "title": "Title",
    }


def test_a_ping_that_says_nothing_has_the_required_fields_only(made):
    assert _without_visitor(event(made, pixel(peer=Peer("", False)))) == {
        "v": 1, "id": FIRST_ID, "time": RECEIVED, "received": RECEIVED, "site": "example",
        "name": "pageview", "widget": "api", "bot": False, "share": True, "device": "other",
    }  # fmt: skip


def test_the_verdict_carries_what_the_log_needs(made):
    verdict = only(made, pixel({"s": "Example", "age": "1000", "id": _ID}))
    assert (verdict.outcome, verdict.site) == (Outcome.STORED, b"example")
    assert (verdict.time, verdict.event_id) == (NOW - 1_000, _ID)
    assert verdict.visitor == json.loads(verdict.event)["visitor"]
    assert verdict.rejection == b""


def test_a_bot_is_stored_and_named(made):
    found = event(made, pixel(headers={b"user-agent": GOOGLEBOT}))
    assert (found["bot"], found["device"]) == (True, "bot")
    assert made.counts.bots == 1


@pytest.mark.parametrize(
    ("age", "time"),
    [
        ("0", RECEIVED),
        ("1", "2026-01-02T03:04:05.677Z"),
        (str(_DAY), "2026-01-01T03:04:05.678Z"),
    ],
)
def test_an_age_moves_the_time_and_not_the_receipt(made, age, time):
    found = event(made, pixel({"s": "a", "age": age}))
    assert (found["time"], found["received"]) == (time, RECEIVED)
    assert "dropped" not in found


@pytest.mark.parametrize("age", [str(_DAY + 1), "-1", "1.5", "soon"])
def test_a_bad_age_is_dropped_and_counts_as_none(made, age):
    found = event(made, pixel({"s": "a", "age": age}))
    assert (found["time"], found["dropped"]) == (RECEIVED, ["age_ms"])


@pytest.mark.parametrize("referer", [b"", b"about:blank", b"/path", b"\xff\xfe"])
def test_a_referer_that_is_no_page_is_no_url(made, referer):
    found = event(made, pixel(headers={b"referer": referer}))
    assert "url" not in found
    assert "url_source" not in found
    assert "dropped" not in found


def test_the_referer_stands_in_for_a_bad_url(made):
    headers = {b"referer": b"https://news.example/"}
    found = event(made, pixel({"s": "a", "u": "javascript:alert(1)"}, headers))
    assert (found["url"], found["url_source"]) == ("https://news.example/", "referer")
    assert found["dropped"] == ["url"]


def test_long_addresses_and_titles_are_cut_and_named(made):
    long = "https://page.example/" + "a" * 3_000
    found = event(made, post({"s": "a", "u": long, "r": long, "t": "x" * 513}))
    assert found["truncated"] == ["url", "referrer", "title"]
    assert [len(found[name]) for name in found["truncated"]] == [2_048, 2_048, 512]
    found = event(made, pixel(headers={b"referer": long.encode()}))
    assert (found["truncated"], len(found["url"])) == (["url"], 2_048)


def test_mail_addresses_leave_addresses_and_titles(made):
    body = {
        "s": "a",
        "u": "https://page.example/me%40mail.example/?ref=me@mail.example",
        "r": "https://me@mail.example/",
        "t": "Letter of me@mail.example",
        "props": {"from": "me@mail.example"},
    }
    raw = only(made, post(body, {b"referer": b"https://page.example/me@mail.example"})).event
    assert b"[email]" in raw
    assert b"me@mail" not in raw
    assert b"me%40" not in raw


def test_every_bad_value_is_dropped_and_named_by_its_long_name(made):
    body = {
        "s": "a", "id": 1, "age": "x", "u": 1, "r": "x", "t": 1, "p": "a b", "sw": 0, "sh": True,
        "vw": 32_768, "vh": "1e3", "lang": "<", "tz": "", "d": -1, "n": 1.5, "w": 7,
        "props": ["x"],
    }  # fmt: skip
    found = event(made, post(body))
    assert set(found["dropped"]) == {
        "event_id", "age_ms", "url", "referrer", "title", "page_id", "screen_width",
        "screen_height", "viewport_width", "viewport_height", "language", "engaged_seconds",
        "copied_characters", "props",
    }  # fmt: skip
    assert not set(found) & {*found["dropped"], "timezone"}
    assert (found["id"], found["widget"]) == (FIRST_ID, "api")
    assert made.counts.dropped_fields == len(found["dropped"])


def test_a_bad_pair_of_props_leaves_the_good_ones(made):
    found = event(made, post({"s": "a", "props": {"good": "x", "bad": 1}}))
    assert (found["props"], found["dropped"]) == ({"good": "x"}, ["props"])


def test_unknown_fields_are_counted_and_gone(made):
    found = event(made, post({"s": "a", "nope": 1, "other": None}))
    assert not set(found) & {"nope", "other"}
    assert made.counts.unknown_fields == 2
    assert "dropped" not in found


@pytest.mark.parametrize(
    ("signals", "headers", "share"),
    [
        ({}, {}, True),
        ({}, {b"sec-gpc": b"1"}, False),
        ({}, {b"sec-gpc": b"0"}, True),
        ({}, {b"dnt": b"1"}, True),
        ({"dnt": "share"}, {b"dnt": b"1"}, False),
        ({"gpc": "ignore"}, {b"sec-gpc": b"1"}, True),
    ],
)
def test_share_is_false_for_those_who_ask_not_to_be_tracked(tmp_path, signals, headers, share):
    assert event(collector(tmp_path, signals=signals), pixel(headers=headers))["share"] is share


def _all(counts):
    return {name: getattr(counts, name) for name in dir(counts) if not name.startswith("_")}


def test_a_dropped_signal_is_ignored_and_nothing_is_looked_at(tmp_path):
    made = collector(tmp_path, signals={"gpc": "drop"})
    verdict = only(made, pixel("s=!", {b"sec-gpc": b"1"}))
    assert verdict.outcome is Outcome.IGNORED
    assert _all(made.counts) == _all(CollectCounts())


@pytest.mark.parametrize(
    "cookie",
    ["optout=1", "a=b; optout=1; c", 'x="; optout=1; y="', "=;;;optout=1", "optout=0; optout=1",
     "broken\x7f\xff;\toptout=1\t", "xoptout=1; optout=1"],
)  # fmt: skip
@pytest.mark.parametrize("hit", [pixel(), badge(), post({"s": "a"}), post(b"{"), pixel("s=!")])
def test_of_who_opted_out_nothing_is_kept(made, hit, cookie):
    headers = {b"cookie": cookie.encode("latin-1"), b"purpose": b"prefetch"}
    verdict = only(made, changed(hit, headers=headers))
    assert verdict.outcome is Outcome.OPTED_OUT
    assert (verdict.site, verdict.event, verdict.event_id, verdict.rejection) == (b"", b"", "", b"")
    assert verdict.visitor is None
    assert _all(made.counts) == _all(CollectCounts())


@pytest.mark.parametrize(
    "cookie",
    ["xoptout=1", "optout=10", "optout=01", "optout=", "optout", "OPTOUT=1", "optout =1",
     'optout="1"', "x=optout=1", "optout=1,a=b", "optout=1 x", "o=1; ptout=1"],
)  # fmt: skip
def test_lookalikes_are_no_opt_out(made, cookie):
    assert event(made, pixel(headers={b"cookie": cookie.encode()}))["site"] == "example"


def test_a_prefetch_stores_nothing(made):
    assert only(made, pixel("s=!", {b"sec-purpose": b"prefetch"})).outcome is Outcome.IGNORED
    assert _all(made.counts) == _all(CollectCounts())


def test_a_browser_that_keeps_cookies_from_us_is_counted_and_stored(made):
    event(made, pixel(headers={b"sec-fetch-storage-access": b"none"}))
    assert made.counts.optout_unreadable == 1


def test_in_cookie_mode_the_cookies_number_stays_whatever_the_network(tmp_path):
    made = collector(tmp_path, visitor={"mode": "cookie"})
    first = only(made, pixel(headers=_HEADERS))
    cookie = {b"cookie": b"uid=%08x" % first.visitor, b"user-agent": b"another"}
    later = pixel(headers=cookie, peer=Peer("203.0.113.0", False))
    assert event(made, later, NOW + 3 * _DAY)["visitor"] == first.visitor
    assert event(made, pixel(headers={b"cookie": b"uid=0000002a"}))["visitor"] == 42


@pytest.mark.parametrize("cookie", [b"uid=junk", b"uid=2a", b"other=0000002a"])
def test_in_cookie_mode_a_bad_cookie_counts_as_none(tmp_path, cookie):
    made = collector(tmp_path, visitor={"mode": "cookie"})
    without = event(made, pixel())["visitor"]
    assert event(made, pixel(headers={b"cookie": cookie}))["visitor"] == without


def test_by_default_the_cookie_is_not_looked_at(made):
    without = event(made, pixel())["visitor"]
    assert event(made, pixel(headers={b"cookie": b"uid=0000002a"}))["visitor"] == without


def test_the_visitor_depends_on_site_network_browser_and_language_and_day(made):
    base = pixel(headers=_HEADERS)
    others = [
        pixel("s=other", _HEADERS),
        changed(base, peer=Peer("192.0.3.0", False)),
        changed(base, headers=_HEADERS | {b"user-agent": GOOGLEBOT}),
        changed(base, headers=_HEADERS | {b"accept-language": b"fr"}),
    ]
    numbers = [event(made, hit)["visitor"] for hit in (base, *others)]
    numbers.append(event(made, base, NOW + _DAY)["visitor"])
    assert len(set(numbers)) == len(numbers)


def test_bad_items_of_an_array_do_not_touch_the_others(made):
    items = [{"s": "a", "id": _ID}, {"s": "b c"}, 17, None, [], {"s": "d", "e": "Bad"}, {"s": "e"}]
    collected = made.collect(post(items), NOW)
    assert collected.array
    stored = [index for index, verdict in enumerate(collected.verdicts) if verdict.event]
    assert stored == [0, 6]
    outcomes = [verdict.outcome for verdict in collected.verdicts]
    assert outcomes.count(Outcome.REJECTED) == 5
    fields = [verdict.field for verdict in collected.verdicts]
    assert fields == ["", "site", "", "", "", "name", ""]
    assert (made.counts.parsed, made.counts.rejected) == (7, 5)


def test_an_array_of_one_is_an_array(made):
    assert made.collect(post([{"s": "a"}]), NOW).array
    assert not made.collect(post({"s": "a"}), NOW).array


def test_a_body_that_does_not_parse_is_rejected_once_and_is_no_array(made):
    for body in (b"", b"[]", b"[" * 5_000, json.dumps([{}] * 101).encode()):
        collected = made.collect(post(body), NOW)
        assert not collected.array
        assert [verdict.outcome for verdict in collected.verdicts] == [Outcome.REJECTED]


def test_no_cookie_and_no_header_beyond_the_list_is_in_the_event(made):
    headers = _HEADERS | {b"authorization": b"secret", b"x-real-ip": b"198.51.100.7"}
    raw = only(made, pixel(headers=headers)).event
    assert b"secret" not in raw
    assert b"198.51.100.7" not in raw
    assert CHROME not in raw
