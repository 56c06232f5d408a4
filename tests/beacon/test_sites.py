"""Known sites: who may ping, whence a ping comes, and which parameters stay."""

import pytest

from ingest.beacon.sites import SiteRules, Sites
from ingest.beacon.url import PageUrls
from ingest.outcome import Outcome
from tests.beacon.support import collector, event, only, pixel

ORIGINS = frozenset({b"https://example.org", b"https://www.example.org"})
RULES = SiteRules(PageUrls(("page",)), ORIGINS)


@pytest.fixture
def known() -> Sites:
    return Sites(PageUrls(("utm_*",)), {"example": RULES, "bare": SiteRules(PageUrls(()))})


@pytest.mark.parametrize(
    ("headers", "url", "origin"),
    [
        ({b"origin": b"https://example.org"}, None, "allowed"),
        ({b"origin": b"https://www.example.org:443"}, None, "allowed"),
        ({b"origin": b"http://example.org"}, None, "foreign"),
        ({b"origin": b"https://evil.example"}, "https://example.org/", "foreign"),
        ({b"origin": b"null"}, "https://example.org/", "allowed"),
        ({b"referer": b"https://example.org/a?b"}, None, "allowed"),
        ({b"referer": b"https://example.org.evil.example/"}, None, "foreign"),
        ({}, "https://www.example.org/a", "allowed"),
        ({}, "https://evil.example/a", "foreign"),
        ({}, None, "unknown"),
        ({b"origin": b"null"}, None, "unknown"),
    ],
)
def test_where_a_ping_comes_from(headers, url, origin):
    assert RULES.origin(headers.get(b"origin"), headers.get(b"referer"), url) == origin


def test_without_listed_origins_it_is_unknown():
    rules = SiteRules(PageUrls(()))
    assert rules.origin(b"https://example.org", None, None) == "unknown"


def test_an_event_says_where_it_comes_from_and_keeps_its_sites_parameters(tmp_path, known):
    ours = collector(tmp_path, sites=known)
    page = {"s": "example", "u": "https://example.org/?page=2&utm_source=x"}
    made = event(ours, pixel(page, {b"referer": b"https://example.org/"}))
    assert made["origin"] == "allowed"
    assert made["url"] == "https://example.org/?page=2"
    assert event(ours, pixel("s=bare"))["origin"] == "unknown"


def test_a_referer_alone_is_the_page_and_the_origin(tmp_path, known):
    made = event(
        collector(tmp_path, sites=known), pixel(headers={b"referer": b"https://a.example/"})
    )
    assert (made["origin"], made["url"]) == ("foreign", "https://a.example/")


def test_without_a_list_no_origin_is_said_and_any_site_is_taken(tmp_path):
    assert "origin" not in event(collector(tmp_path), pixel("s=whatever"))


def test_a_site_that_is_not_listed_is_rejected_by_name(tmp_path, known):
    verdict = only(collector(tmp_path, sites=known), pixel("s=Other"))
    assert verdict.outcome is Outcome.REJECTED
    assert verdict.field == "site"
    assert "this server knows" in verdict.reason


def test_names_are_found_whatever_their_case(tmp_path, known):
    assert event(collector(tmp_path, sites=known), pixel("s=EXAMPLE"))["site"] == "example"


def test_another_list_holds_from_then_on(tmp_path, known):
    ours = collector(tmp_path, sites=known)
    known.replace({"other": RULES})
    assert event(ours, pixel("s=other"))["site"] == "other"
    assert only(ours, pixel("s=example")).outcome is Outcome.REJECTED
