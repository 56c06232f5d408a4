"""A rejected event says why, is at most 4 KiB, and holds nothing raw."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.beacon.hit import Peer
from ingest.beacon.rejection import MAX_BYTES, Rejection
from ingest.outcome import Outcome
from tests.beacon.support import CHROME, NOW, RECEIVED, badge, collector, only, pixel, post

_ADDRESS = "198.51.100.77"


def _rejected(made, hit) -> dict:
    verdict = only(made, hit)
    assert verdict.outcome is Outcome.REJECTED
    assert verdict.event == b""
    assert len(verdict.rejection) <= MAX_BYTES
    return json.loads(verdict.rejection)


@pytest.fixture
def made(tmp_path):
    return collector(tmp_path)


def test_a_bad_site_is_kept_with_its_network_and_listed_headers(made):
    headers = {b"accept-language": b"de", b"user-agent": CHROME, b"cookie": b"secret=1"}
    kept = _rejected(made, pixel({"s": "a/b", "t": "title"}, headers))
    assert kept.pop("reason").startswith("site is missing or bad")
    assert kept == {
        "v": 1,
        "received": RECEIVED,
        "route": "p.gif",
        "length": len("s=a%2Fb&t=title"),
        "field": "site",
        "value": "a/b",
        "ip": "192.0.2.0",
        "headers": {"accept-language": "de"},
    }


@pytest.mark.parametrize(
    ("hit", "route", "field", "value"),
    [
        (pixel(""), "p.gif", "site", None),
        (pixel({"s": "a", "e": "Bad"}), "p.gif", "name", "Bad"),
        (badge("-a"), "badge", "site", "-a"),
        (post({"site": 5}), "e", "site", None),
        (post({"site": "a", "name": ["x"]}), "e", "name", None),
        (post({}), "e", "site", None),
    ],
)
def test_route_and_field_are_named_and_a_text_is_kept(made, hit, route, field, value):
    kept = _rejected(made, hit)
    assert (kept["route"], kept["field"], kept.get("value")) == (route, field, value)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"17", b'{"s":"' + _ADDRESS.encode(), b"\xef\xbb\xbf{}", b'[{"s":1}'],
)
def test_of_what_does_not_parse_only_length_and_reason_are_kept(made, body):
    headers = {b"accept-language": b"de"}
    kept = _rejected(made, post(body, headers))
    assert set(kept) == {"v", "received", "route", "reason", "length"}
    assert kept["length"] == len(body)


def test_of_an_item_that_is_no_object_only_length_and_reason_are_kept(made):
    kept = _rejected(made, post(["secret"], {b"accept-language": b"de"}))
    assert set(kept) == {"v", "received", "route", "reason", "length"}


def test_no_reason_holds_a_byte_of_the_request(made):
    hits = (post(b'"markword"'), post(["markword"]), pixel("s=mark/word"), pixel("s=a&e=Mark-word"))
    for hit in hits:
        assert "word" not in only(made, hit).reason


def test_a_proxys_client_is_kept_as_its_network(tmp_path):
    made = collector(tmp_path)
    headers = {b"x-forwarded-for": _ADDRESS.encode()}
    verdict = only(made, pixel("s=!", headers, Peer("192.0.2.0", True)))
    assert json.loads(verdict.rejection)["ip"] == "198.51.100.0"
    assert _ADDRESS.encode() not in verdict.rejection


def test_a_bad_value_is_cut_to_128_characters_without_controls(made):
    kept = _rejected(made, post({"site": "\x00\x1f" + "é" * 1_000}))
    assert kept["value"] == "é" * 128


@pytest.mark.parametrize("before", range(480, 512, 3))
def test_no_part_of_a_mail_address_is_kept(made, before):
    long = f"{'a' * before}@b.cc john.smith@mail.example.org"
    kept = _rejected(made, post({"site": long}))
    assert kept["value"] == "[email] [email]"


def test_headers_go_first_when_it_is_too_long():
    headers = {f"x-{number}": "v" * 512 for number in range(9)}
    kept = json.loads(
        Rejection(RECEIVED, "e", "why", 3, "site", "bad", "192.0.2.0", headers).encode()
    )
    assert "headers" not in kept
    assert kept["ip"] == "192.0.2.0"


def test_headers_stay_as_long_as_they_fit():
    headers = {f"x-{number}": "v" * 512 for number in range(7)}
    whole = Rejection(RECEIVED, "e", "why", 3, "site", "bad", "192.0.2.0", headers).encode()
    assert len(whole) <= MAX_BYTES
    assert json.loads(whole)["headers"] == headers


@given(
    value=st.one_of(st.text(max_size=9_000), st.integers(), st.lists(st.text(max_size=50))),
    language=st.binary(max_size=600),
)
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_whatever_is_sent_it_is_at_most_4_kib(made, value, language):
    site = value if isinstance(value, str) else None
    encoded = json.dumps({"site": site, "name": value}).encode("utf-8", "replace")
    verdict = only(made, post(encoded, {b"accept-language": language, b"sec-ch-ua": language}))
    assert len(verdict.rejection) <= MAX_BYTES


def test_a_retry_is_told_its_own_id(made):
    given = "018F0000-0000-7000-8000-00000000000A"
    verdict = only(made, post({"site": "!", "id": given}))
    assert (verdict.event_id, verdict.time) == (given.lower(), NOW)
    assert only(made, post({"site": "!", "id": "nope"})).event_id == ""


def test_rejected_events_are_counted(made):
    for hit in (pixel("s=!"), post(b"{"), post([1, {"s": "a"}])):
        made.collect(hit, NOW)
    assert (made.counts.parsed, made.counts.rejected) == (4, 3)
