"""The demonstration page as it is served; tests/browser uses it."""

import re
from html import unescape

import pytest

from tests.http.harness import harness

SECURE = {"public_url": "https://beacon.example"}


@pytest.fixture
async def server(tmp_path):
    async with harness(tmp_path, http=SECURE, widget={"script_path": "/app.js"}) as made:
        yield made


async def test_its_policy_lets_nothing_in_but_our_own_files(server):
    answer = await server.get("/demo")
    rules = dict(
        rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";")
    )
    assert rules.pop("style-src").startswith("'sha256-")
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_snippets_have_our_address_and_the_configured_name(server):
    text = unescape((await server.get("/demo?site=Shop.example")).body.decode())
    assert (
        '<script defer src="https://beacon.example/app.js" data-site="shop.example"></script>'
    ) in text
    assert "https://beacon.example/badge/shop.example.svg" in text
    assert 'referrerpolicy="no-referrer-when-downgrade"' in text


@pytest.mark.parametrize("query", ["site=%3Cb%3E", "site=a%2Fb", "site=%ff", "site=-a"])
async def test_a_bad_name_is_refused_in_words_and_shown_nowhere(server, query):
    text = (await server.get(f"/demo?{query}")).body.decode()
    assert "That is no site's name" in text
    assert "<b>" not in text
    assert "https://beacon.example/badge/demo.svg" in text


async def test_its_script_is_a_file_of_its_own(server):
    answer = await server.get("/demo.js")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_browsers_that_ask_for_an_icon_get_none(server):
    assert (await server.get("/favicon.ico")).status == 204


# -- with a sites file ----------------------------------------------------------------------------

SITES = """
[sites."shop.example"]
public = true
[sites.closed]
token = "a-long-random-word"
"""


@pytest.fixture
async def listed(tmp_path, request):
    file = tmp_path / "sites.toml"
    file.write_text(SITES + getattr(request, "param", ""))
    privacy = {"contact": "ann@example.org"}
    async with harness(tmp_path, http=SECURE, sites={"file": file}, privacy=privacy) as made:
        yield made


def _snippets(text):
    return re.findall(r'<code id="(free|pro)">', text)


def _at_work(text):
    return 'id="sent"' in text


async def test_a_listed_site_has_its_snippets_and_the_script_is_not_at_work(listed):
    text = (await listed.get("/demo?site=shop.example")).body.decode()
    assert _snippets(text) == ["free", "pro"]
    assert 'src="/badge/shop.example.svg?ping=0"' in text
    assert "It is not at work on this page" in text
    assert not _at_work(text)
    assert 'data-site="demo"' not in text


async def test_a_site_that_is_not_listed_has_no_snippet_and_is_told_why(listed):
    text = (await listed.get("/demo?site=other.example")).body.decode()
    assert "other.example is none of the sites that this server counts" in text
    assert '<a href="mailto:ann@example.org">' in text
    assert _snippets(text) == []
    assert "/badge/" not in text
    assert "<script" not in text


async def test_without_a_name_one_is_asked_for(listed):
    text = (await listed.get("/demo")).body.decode()
    assert "Give the name of yours" in text
    assert _snippets(text) == []
    assert not _at_work(text)
    for name in ("shop.example", "closed"):
        assert name not in text


async def test_a_bad_name_is_refused_with_a_list_too(listed):
    text = (await listed.get("/demo?site=-a")).body.decode()
    assert "That is no site's name" in text
    assert _snippets(text) == []


async def test_a_private_site_has_snippets_and_is_told_that_its_badge_shows_no_number(listed):
    text = (await listed.get("/demo?site=closed")).body.decode()
    assert _snippets(text) == ["free", "pro"]
    assert "its badge counts, and shows no number" in text
    shop = (await listed.get("/demo?site=shop.example")).body.decode()
    assert "shows no number" not in shop


@pytest.mark.parametrize("listed", ["[sites.demo]\npublic = true\n"], indirect=True)
async def test_where_its_own_site_is_listed_the_script_is_at_work(listed):
    for target in ("/demo", "/demo?site=other.example", "/demo?site=shop.example"):
        text = (await listed.get(target)).body.decode()
        assert _at_work(text)
        assert '<script defer src="/w.js" data-site="demo"></script>' in text
    assert _snippets((await listed.get("/demo")).body.decode()) == ["free", "pro"]
    assert _snippets((await listed.get("/demo?site=other.example")).body.decode()) == []
