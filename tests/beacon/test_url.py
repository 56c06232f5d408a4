import re
from time import perf_counter
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.beacon.sanitise import without_controls, without_mail
from ingest.beacon.url import URL_LIMIT, PageUrls
from ingest.config import Url

URLS = PageUrls(Url().keep_params)

pieces = st.sampled_from(
    [
        "http",
        "HTTPS",
        ":",
        "//",
        "/",
        "\\",
        "?",
        "#",
        "&",
        ";",
        "=",
        "@",
        "%40",
        "%2540",
        "%23",
        "%3F",
        "%26",
        "utm_source",
        "utm_",
        "ref",
        "token",
        "x",
        "secret",
        "john",
        "b.example",
        ".",
        "..",
        "[",
        "]",
        "::1",
        "2001:db8::1",
        ":80",
        ":99999",
        " ",
        "\t",
        "\x00",
        "é",
        "ß",
        "İ",
        "＠",
        "。",
        "%",
        "%zz",
        "+",
        "%75tm_a",
        "\xa0",
        "�",
        "utm_john@x.example",
        "-",
        "_",
        "*",
    ]
)
hostile = st.lists(pieces, max_size=20).map("".join)
texts = st.text(st.characters(exclude_categories=("Cs",)))
addresses = st.builds(
    "{}://{}{}".format, st.sampled_from(["http", "https", "HTTP"]), st.just("a.example"), hostile
) | st.builds("https://{}".format, hostile)
_SHAPE = re.compile(r"https?://[^/?#@\\]+/[^#]*", re.DOTALL)
_PLAIN_MAIL = re.compile(r"[A-Za-z0-9]+(?:@|＠|%(?:25)*40)[A-Za-z0-9]+\.[A-Za-z0-9]")


def clean(text: str) -> str | None:
    page = URLS.clean(text)
    return None if page is None else page.value


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("https://example.org", "https://example.org/"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("HTTPS://EXAMPLE.org/Path", "https://example.org/Path"),
        ("  https://example.org/x\n", "https://example.org/x"),
        ("ht\ntps://exa\tmple.org/", "https://example.org/"),
        ("https://example.org#top", "https://example.org/"),
        ("https://example.org/#/app?utm_source=a", "https://example.org/"),
        ("https://example.org?q=1", "https://example.org/"),
        ("https://example.org/?q=1#f", "https://example.org/"),
        ("https://example.org/%23a", "https://example.org/%23a"),
        ("http://example.org:8080/x", "http://example.org:8080/x"),
        # user info
        ("https://user:pass@example.org/", "https://example.org/"),
        ("https://user@example.org", "https://example.org/"),
        ("https://a@b@example.org/", "https://example.org/"),
        ("https://user:p/w@example.org/", None),
        ("https://user:p%2Fw@example.org/", "https://example.org/"),
        ("https://good.example\\@evil.example/", "https://good.example/@evil.example/"),
        # hosts
        ("https://bücher.example/ü", "https://bücher.example/ü"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://[2001:DB8::1]:443/x", "https://[2001:db8::1]:443/x"),
        ("https://u:p@[::1]/", "https://[::1]/"),
        ("https://[::1]x/", None),
        ("https://[]/", None),
        ("https://[::1/", None),
        ("https://[fe80::1%25eth0]/", None),
        ("https://192.0.2.1/", "https://192.0.2.1/"),
        ("https://localhost/", "https://localhost/"),
        ("https://a_b.example/", "https://a_b.example/"),
        ("https:///path", None),
        ("https://@/", None),
        ("https://:80/", None),
        ("https://exa mple.org/", None),
        ("https://exa%6dple.org/", None),
        ("https://john.doe＠example.org/", None),
        ("https://example.org:x/", None),
        ("https://a.example\u3000b/", None),
        ("https://a.example/x #f", "https://a.example/x"),
        (f"https://{'a' * 250}.org/", "https://" + "a" * 250 + ".org/"),
        (f"https://{'a' * 300}.org/", None),
        # backslashes, which browsers read as slashes
        ("https://example.org\\a", "https://example.org/a"),
        ("https://example.org\\?q=1", "https://example.org/"),
        # parameters
        ("https://example.org/?utm_source=a&q=1", "https://example.org/?utm_source=a"),
        ("https://example.org/?q=1&ref=b&utm_x=c", "https://example.org/?ref=b&utm_x=c"),
        ("https://example.org/?q=1;ref=b;token=2", "https://example.org/?ref=b"),
        ("https://example.org/?ref=b;token=2&x=3", "https://example.org/?ref=b"),
        ("https://example.org/?ref", "https://example.org/?ref"),
        ("https://example.org/?ref=", "https://example.org/?ref="),
        ("https://example.org/?ref=a&ref=b", "https://example.org/?ref=a&ref=b"),
        ("https://example.org/?Ref=a", "https://example.org/"),
        ("https://example.org/?reference=a", "https://example.org/"),
        ("https://example.org/?xutm_a=1", "https://example.org/"),
        ("https://example.org/?%75tm_a=1", "https://example.org/?%75tm_a=1"),
        ("https://example.org/?q=1%26ref=b", "https://example.org/"),
        ("https://example.org/?utm_a%26q=1", "https://example.org/?utm_a%26q=1"),
        ("https://example.org/?a?ref=b", "https://example.org/"),
        ("https://example.org/??ref=b", "https://example.org/"),
        # mail addresses
        ("https://example.org/u/john@x.example/", "https://example.org/u/[email]/"),
        ("https://example.org/john%40x.example", "https://example.org/[email]"),
        ("https://example.org/john%2540x.example", "https://example.org/[email]"),
        ("https://example.org/?ref=john%40x.example", "https://example.org/?ref=[email]"),
        ("https://example.org/?ref=a:john@x.example", "https://example.org/?ref=a:[email]"),
        ("https://example.org/?utm_john@x.example=1", "https://example.org/"),
        ("https://example.org/@user/a.b", "https://example.org/@user/a.b"),
        ("mailto:john@x.example", None),
        # no address of a page
        ("", None),
        ("/path", None),
        ("//example.org/", None),
        ("example.org", None),
        ("https:example.org", None),
        ("https:/example.org", None),
        ("ftp://example.org/", None),
        ("javascript:alert(1)//https://example.org/", None),
        ("about:blank", None),
        ("android-app://com.example/", None),
        ("data:text/html,x", None),
        ("file:///etc/hosts", None),
    ],
)
def test_an_address_is_cut_down_to_its_page(text: str, cleaned: str | None) -> None:
    assert clean(text) == cleaned


@given(addresses | hostile | texts)
@example("https://a@b.example\\c@d.example")
@example("https://john＠b.example/")
@example("https://a.example/?utm_a=1;x=2")
@example("https://a.example/?utm_john@x.example=1")
def test_nothing_private_is_left(text: str) -> None:
    url = clean(text)
    if url is None:
        return
    assert _SHAPE.fullmatch(url), "user info, fragment, or no host"
    assert not _PLAIN_MAIL.search(url)
    assert without_mail(url) == url
    assert without_controls(url) == url
    query = url.partition("?")[2].replace(";", "&")
    for name, _ in parse_qsl(query, keep_blank_values=True, errors="replace"):
        assert name == "ref" or name.startswith("utm_")


@given(addresses | hostile)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text)
    if once is not None:
        assert URLS.clean(once) == (once, False)


@given(st.integers(2_000, 2_200), st.sampled_from(["a", "%40", "é", "a@b.cc/", "/?utm_a="]))
def test_a_long_address_is_cut_and_stays_clean(length: int, piece: str) -> None:
    page = URLS.clean("https://a.example/" + (piece * length)[:length])
    assert page is not None
    assert len(page.value) <= URL_LIMIT
    again = URLS.clean(page.value)
    assert again is not None
    assert again.value == page.value


def test_the_limit_is_inclusive() -> None:
    whole = "https://a.example/".ljust(URL_LIMIT, "x")
    assert URLS.clean(whole) == (whole, False)
    assert URLS.clean(whole + "x") == (whole, True)
    assert URLS.clean(whole + "?q=1#f") == (whole, False)


def test_no_parameter_is_kept_when_none_is_listed() -> None:
    page = PageUrls(()).clean("https://a.example/?utm_a=1&ref=2&=3&")
    assert page is not None
    assert page.value == "https://a.example/"


def test_a_star_keeps_every_parameter() -> None:
    page = PageUrls(("q", "a*")).clean("https://a.example/?q=1;ab=2&qa=3&x=4&a=5")
    assert page is not None
    assert page.value == "https://a.example/?q=1&ab=2&a=5"


@given(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1))
def test_a_host_is_what_the_standard_library_reads(name: str) -> None:
    url = clean(f"https://user:pass@{name}.example:81/p?ref=1")
    assert url is not None
    assert urlsplit(url).netloc == f"{name.lower()}.example:81"


@pytest.mark.parametrize(
    "piece",
    ["a@", "%40", "/", "\\", "?", "#", "&", ";", "utm_a&", "utm_=%", ".", "[", ":", "\0", " "],
)
@pytest.mark.parametrize("start", ["https://", "https://a.example/", "https://a.example/?ref="])
def test_hostile_addresses_cost_time_in_proportion_to_their_length(start: str, piece: str) -> None:
    def best(length: int) -> float:
        text = (start + piece * length)[:length]
        times = []
        for _ in range(10):
            begun = perf_counter()
            URLS.clean(text)
            times.append(perf_counter() - begun)
        return min(times)

    # Eight times the text: 8 when linear, 64 when quadratic.
    assert best(64_000) < 30 * best(8_000) + 0.001
