"""Why there is nothing to see: in words to browsers, as a problem document to programs."""

import re

import pytest

from tests.http.harness import harness, request

TOKEN = "a-long-random-word"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PROGRAMS = ("", "*/*", "application/json", "image/avif,image/webp,*/*;q=0.8")
SITES = f'[sites.open]\npublic = true\n[sites.closed]\ntoken = "{TOKEN}"\n'
REFUSED = [
    ("/live/closed", 401, "This site's counts are private"),
    (f"/live/closed?token={TOKEN}x", 401, "That is not its token."),
    ("/live/unknown", 404, "No such site"),
    ("/live/unknown?token=x", 404, "No such site"),
    ("/live/-bad", 404, "That is no site's name"),
    ("/live/", 404, "That is no site's name"),
    ("/live/a%20b", 404, "That is no site's name"),
    ("/live/a/b", 404, "That is no site's name"),
    ("/live?site=%21", 404, "That is no site's name"),
    ("/nowhere", 404, "There is nothing here"),
    ("/opt%2Dout", 404, "There is nothing here"),
]


@pytest.fixture
async def server(tmp_path):
    file = tmp_path / "sites.toml"
    file.write_text(SITES)
    options = {"sites": {"file": file}, "privacy": {"contact": "https://example.org/ask?a&b"}}
    async with harness(tmp_path, http={"public_url": "https://beacon.example"}, **options) as made:
        yield made


@pytest.mark.parametrize(("target", "status", "said"), REFUSED)
async def test_a_browser_gets_a_page_in_words(server, target, status, said):
    answer = await server.get(target, **BROWSER)
    assert answer.status == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)
    text = answer.body.decode()
    assert said in text
    assert '<nav aria-label="This server">' in text
    assert not re.search(r"<script|<link|<img|<iframe| on[a-z]+=|url\(", text)
    assert TOKEN not in text
    assert server.balanced()


@pytest.mark.parametrize(("target", "status", "_said"), REFUSED)
@pytest.mark.parametrize("accept", PROGRAMS)
async def test_a_program_gets_a_problem_document(server, target, status, _said, accept):
    answer = await server.get(target, Accept=accept)
    assert answer.status == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_private_page_has_a_form_without_the_token_in_its_address(server):
    text = (await server.get("/live/Closed?token=wrong", **BROWSER)).body.decode()
    assert '<form method="post" action="/live/closed">' in text
    assert 'type="password" name="token"' in text
    assert 'href="https://example.org/ask?a&amp;b"' in text
    wrong = await server.post(b"token=wrong", "/live/closed", **BROWSER)
    assert (wrong.status, b"That is not its token." in wrong.body) == (401, True)
    first = (await server.get("/live/closed", **BROWSER)).body.decode()
    assert "That is not its token." not in first


@pytest.mark.parametrize(
    ("url", "warned"),
    [("https://beacon.example", False), ("http://beacon.example", True),
     ("http://localhost:8080", False)],
)  # fmt: skip
async def test_a_private_page_warns_of_plain_http(tmp_path, url, warned):
    file = tmp_path / "sites.toml"
    file.write_text(SITES)
    async with harness(tmp_path, http={"public_url": url}, sites={"file": file}) as server:
        text = (await server.get("/live/closed", **BROWSER)).body.decode()
        assert ("reached without HTTPS" in text) is warned


async def test_an_unlisted_site_is_told_how_to_be_listed(server):
    text = (await server.get("/live/Unknown.example", **BROWSER)).body.decode()
    assert "Ask the operator to add <strong>unknown.example</strong>" in text
    assert 'href="https://example.org/ask?a&amp;b"' in text
    assert 'value="unknown.example"' in text
    for name in ("open", "closed"):
        assert f"<strong>{name}</strong>" not in text


async def test_what_is_no_page_stays_a_problem_document(server):
    for raw in (
        request("POST", "/e", BROWSER, b"{"),
        request("POST", "/", BROWSER, b"x"),
    ):
        answer = await server.send(raw)
        assert answer.headers["content-type"] == "application/problem+json"
