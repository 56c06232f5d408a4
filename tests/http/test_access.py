"""Who may read a site's counts."""

import hashlib

import pytest

from ingest.beacon.hit import Hit, Peer
from ingest.beacon.network import TrustedProxies
from ingest.beacon.sites import SiteRules, Sites
from ingest.beacon.url import PageUrls
from ingest.http.access import Access, Reading, denied, given_token
from ingest.http.own_origin import OwnOrigin
from ingest.http.reply import Reply
from ingest.outcome import Route

TOKEN = "a-long-random-word"
URLS = PageUrls(())
LISTED = {
    "open": SiteRules(URLS),
    "closed.example": SiteRules(
        URLS, public=False, token_hash=hashlib.sha256(TOKEN.encode()).digest()
    ),
}


def access(
    public_url: str = "https://beacon.example", sites: Sites | None = None, key: bytes = b"key"
) -> Access:
    own = OwnOrigin(public_url, TrustedProxies(()))
    return Access(sites or Sites(URLS, LISTED), own, key)


def cookie(answer: Reply | Reading) -> str:
    """What a browser keeps of an answer's cookie."""
    assert isinstance(answer, Reply)
    return dict(answer.headers)["Set-Cookie"].partition(";")[0]


def page(site: str = "closed.example") -> Hit:
    return Hit(
        Route.NONE,
        b"GET",
        f"/live/{site}",
        b"",
        {b"host": b"beacon.example"},
        b"",
        Peer("192.0.2.0", False),
    )


@pytest.mark.parametrize(
    ("site", "headers", "reading"),
    [
        ("open", {}, Reading.PUBLIC),
        ("closed.example", {}, Reading.DENIED),
        ("closed.example", {b"authorization": b"Bearer a-long-random-word"}, Reading.GRANTED),
        ("closed.example", {b"authorization": b"bearer  a-long-random-word"}, Reading.GRANTED),
        ("closed.example", {b"authorization": b"Bearer a-long-random-wore"}, Reading.DENIED),
        ("closed.example", {b"authorization": b"Basic a-long-random-word"}, Reading.DENIED),
        ("closed.example", {b"authorization": b"Bearer "}, Reading.DENIED),
        ("closed.example", {b"cookie": b"read.closed.example=" + TOKEN.encode()}, Reading.DENIED),
        ("closed.example", {b"cookie": b"read.closed.example="}, Reading.DENIED),
        ("elsewhere", {b"authorization": b"Bearer a-long-random-word"}, Reading.NO_SITE),
    ],
)  # fmt: skip
def test_who_may_read_what(site, headers, reading):
    assert access().reading(site, headers) is reading
    assert reading.allowed is (reading in (Reading.PUBLIC, Reading.GRANTED))


def test_without_a_list_every_site_is_public():
    anyone = access(sites=Sites(URLS))
    assert anyone.reading("any", {}) is Reading.PUBLIC
    assert anyone.is_public("any")


def test_only_public_sites_are_public():
    assert [access().is_public(site) for site in ("open", "closed.example", "none")] == [
        True,
        False,
        False,
    ]


def test_a_token_is_taken_for_a_cookie_and_leaves_the_address():
    answer = access().exchange("closed.example", TOKEN, page())
    assert isinstance(answer, Reply)
    assert answer.status == 303
    headers = dict(answer.headers)
    assert headers["Location"] == "/live/closed.example"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    kept, *attributes = headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/", "Secure"} <= set(attributes)
    sent = {b"cookie": f"a=b; {kept}".encode()}
    assert access().reading("closed.example", sent) is Reading.GRANTED


def test_the_cookie_holds_neither_the_token_nor_its_hash():
    answer = access().exchange("closed.example", TOKEN, page())
    assert isinstance(answer, Reply)
    for secret in (TOKEN.encode(), hashlib.sha256(TOKEN.encode()).hexdigest().encode()):
        assert secret not in answer.start


def test_the_cookie_is_for_one_site_one_token_and_one_server():
    kept = cookie(access().exchange("closed.example", TOKEN, page()))
    proof = kept.partition("=")[2]
    other = SiteRules(URLS, public=False, token_hash=LISTED["closed.example"].token_hash)
    changed = SiteRules(URLS, public=False, token_hash=hashlib.sha256(b"another").digest())
    listed = Sites(URLS, {**LISTED, "other": other})
    sent = {b"cookie": f"read.closed.example={proof}; read.other={proof}".encode()}
    assert access(sites=listed).reading("closed.example", sent) is Reading.GRANTED
    assert access(sites=listed).reading("other", sent) is Reading.DENIED
    assert access(key=b"of another server").reading("closed.example", sent) is Reading.DENIED
    listed.replace({"closed.example": changed})
    assert access(sites=listed).reading("closed.example", sent) is Reading.DENIED


def test_over_plain_http_the_cookie_is_kept_too():
    answer = access("http://beacon.example").exchange("closed.example", TOKEN, page())
    assert isinstance(answer, Reply)
    assert "Secure" not in dict(answer.headers)["Set-Cookie"]


@pytest.mark.parametrize(
    ("site", "token", "reading"),
    [
        ("closed.example", "a-long-random-wore", Reading.DENIED),
        ("closed.example", "–", Reading.DENIED),
        ("closed.example", "", Reading.DENIED),
        ("nowhere", TOKEN, Reading.NO_SITE),
    ],
)
def test_a_wrong_token_gives_no_cookie(site, token, reading):
    assert access().exchange(site, token, page(site)) is reading


def test_a_public_site_takes_any_token_and_needs_no_cookie():
    answer = access().exchange("open", "whatever", page("open"))
    assert isinstance(answer, Reply)
    assert answer.status == 303
    assert "Set-Cookie" not in dict(answer.headers)


@pytest.mark.parametrize(
    ("fields", "token"),
    [
        (b"style=dark", None),
        (b"token=", None),
        (b"token=a.b~c", "a.b~c"),
        (b"token=+abc%20&x=1", "abc"),
        (b"token=%ff", "\ufffd"),
    ],
)
def test_a_token_is_read_from_a_query_or_a_form(fields, token):
    assert given_token(fields) == token


@pytest.mark.parametrize(
    ("reading", "status"),
    [(Reading.DENIED, 401), (Reading.NO_SITE, 404), (Reading.NO_NAME, 404)],
)
def test_a_refusal_says_how_to_read(reading, status):
    answer = denied(reading)
    assert answer.status == status
    challenge = dict(answer.headers).get("WWW-Authenticate", "")
    assert challenge.startswith("Bearer") == (reading is Reading.DENIED)
