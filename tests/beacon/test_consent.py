"""Who has opted out is never stored, and what is nobody's visit is ignored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.consent import Consent, gpc, has_no_cookies, has_opted_out
from ingest.beacon.hit import Hit, Peer
from ingest.config import Signal, Signals
from ingest.outcome import Route
from tests.support.heads import head_of

_DEFAULT = Consent(Signals(), ["https://beacon.example"])


def _hit(route=Route.PIXEL, method=b"GET", query=b"s=x", **headers):
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Hit(route, method, "/", query, named, b"", Peer("192.0.2.0", False))


@pytest.mark.parametrize(
    "cookie",
    [
        "optout=1",
        " optout=1 ",
        "a=b; optout=1",
        "a=b;optout=1;c=d",
        "optout=0; optout=1",
        "optout=1; optout=1",
        'x="; optout=1; y="',
        "\toptout=1\t;",
        ";;optout=1",
    ],
)
def test_any_cookie_optout_1_opts_out(cookie):
    assert has_opted_out(head_of({b"cookie": cookie.encode()}))


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "optout",
        "optout=",
        "optout=0",
        "optout=10",
        "optout=1x",
        "xoptout=1",
        "Optout=1",
        'optout="1"',
        "optout =1",
        "optout= 1",
        "optout = 1",
        "a=optout=1",
        "optout=1,a=b",
    ],
)
def test_nothing_else_opts_out(cookie):
    assert not has_opted_out(head_of({b"cookie": cookie.encode()}))
    assert not has_opted_out(head_of({}))


@given(st.lists(st.text(st.characters(exclude_characters=";", codec="latin-1")), max_size=5))
def test_no_other_cookie_hides_an_opt_out(others):
    cookies = ";".join([*others, "optout=1", *others])
    assert has_opted_out(head_of({b"cookie": cookies.encode("latin-1")}))


@pytest.mark.parametrize(
    ("value", "on"),
    [
        (b"1", True),
        (b" 1 ", True),
        (b"1, 1", True),
        (b"0, 1", True),
        (b"", False),
        (b"0", False),
        (b"10", False),
        (b"?1", False),
        (b"true", False),
    ],
)
def test_a_signal_is_1(value, on):
    assert gpc(head_of({b"sec-gpc": value})) is on
    consent = Consent(Signals(gpc=Signal.SHARE, dnt=Signal.SHARE), [])
    for name in (b"sec-gpc", b"dnt"):
        assert consent.share(head_of({name: value})) is not on


def test_a_signal_that_is_absent_is_off():
    assert not gpc(head_of({}))


@pytest.mark.parametrize(("value", "unreadable"), [("none", True), ("active", False), ("", False)])
def test_a_browser_that_keeps_cookies_from_us_is_noticed(value, unreadable):
    assert has_no_cookies(head_of({b"sec-fetch-storage-access": value.encode()})) is unreadable
    assert not has_no_cookies(head_of({}))


@pytest.mark.parametrize(
    ("name", "value", "ignored"),
    [
        ("sec_purpose", "prefetch", True),
        ("sec_purpose", "prefetch;prerender", True),
        ("sec_purpose", "Prefetch ; anonymous-client-ip", True),
        ("purpose", "prefetch", True),
        ("purpose", "preview, prefetch", True),
        ("sec_purpose", "prefetching", False),
        ("sec_purpose", "", False),
        ("purpose", "preview", False),
    ],
)
def test_a_page_fetched_ahead_is_no_visit(name, value, ignored):
    for route in (Route.PIXEL, Route.EVENTS, Route.BADGE):
        assert _DEFAULT.ignored(_hit(route, **{name: value})) is ignored


def test_either_purpose_header_suffices():
    assert _DEFAULT.ignored(_hit(sec_purpose="x", purpose="prefetch"))


@pytest.mark.parametrize(
    ("route", "ignored"), [(Route.PIXEL, True), (Route.BADGE, True), (Route.EVENTS, False)]
)
def test_head_of_an_image_is_no_visit(route, ignored):
    assert _DEFAULT.ignored(_hit(route, b"HEAD")) is ignored


@pytest.mark.parametrize("signal", list(Signal))
@pytest.mark.parametrize(("setting", "header"), [("gpc", "sec_gpc"), ("dnt", "dnt")])
def test_a_signal_does_what_it_is_set_to(setting, header, signal):
    consent = Consent(Signals(**{setting: signal}), [])
    hit = _hit(**{header: "1"})
    assert consent.ignored(hit) is (signal is Signal.DROP)
    assert consent.share(hit.head) is (signal is not Signal.SHARE)
    assert not consent.ignored(_hit())
    assert consent.share(_hit().head)


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        (b"ping=0", True),
        (b"u=x&ping=0", True),
        (b"ping=%30", True),
        (b"%70ing=0", True),
        (b"ping=0&ping=1", True),
        (b"ping=1&ping=0", False),
        (b"ping=00", False),
        (b"ping", False),
        (b"xping=0", False),
        (b"u=ping=0", False),
        (b"", False),
    ],
)
def test_a_badge_with_ping_0_does_not_count(query, ignored):
    assert _DEFAULT.ignored(_hit(Route.BADGE, query=query)) is ignored
    assert not _DEFAULT.ignored(_hit(Route.PIXEL, query=query))


@pytest.mark.parametrize(("value", "ignored"), [("document", True), ("image", False)])
def test_a_badge_opened_by_itself_does_not_count(value, ignored):
    assert _DEFAULT.ignored(_hit(Route.BADGE, sec_fetch_dest=value)) is ignored


@pytest.mark.parametrize(
    ("referer", "ignored"),
    [
        ("https://beacon.example/live/x", True),
        ("https://BEACON.example:443", True),
        ("https://beacon.example?x", True),
        ("https://beacon.example.evil/", False),
        ("https://beacon.example@evil/", False),
        ("http://beacon.example/", False),
        ("https://shop.example/", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("host", ["beacon.example", "shop.example"])
def test_a_badge_on_our_own_pages_does_not_count(referer, host, ignored):
    """Also through a proxy on the site's own host: `Host` says nothing where we know our name."""
    assert _DEFAULT.ignored(_hit(Route.BADGE, referer=referer, host=host)) is ignored
    assert not _DEFAULT.ignored(_hit(Route.PIXEL, referer=referer, host=host))


@pytest.mark.parametrize(
    ("referer", "host", "ignored"),
    [
        ("http://localhost:8080/demo", "localhost:8080", True),
        ("https://proxied.example/demo", "proxied.example", True),
        ("https://proxied.example/demo", "Proxied.Example:443", True),
        ("https://shop.example/", "proxied.example", False),
        ("", "proxied.example", False),
        ("junk", "", False),
        ("http://", "", False),
    ],
)
def test_without_a_name_of_our_own_the_host_tells_which_pages_are_ours(referer, host, ignored):
    unnamed = Consent(Signals(), [])
    assert unnamed.ignored(_hit(Route.BADGE, referer=referer, host=host)) is ignored
    assert not unnamed.ignored(_hit(Route.PIXEL, referer=referer, host=host))
