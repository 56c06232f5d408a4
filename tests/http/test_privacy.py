"""The page on privacy says what the configuration does, whatever it is."""

import ast
import json
import re
from pathlib import Path

import pytest

import ingest
from ingest.beacon.consent import OPTOUT_COOKIE
from ingest.config import LONGEST_DAYS, Config
from ingest.configure import options
from ingest.http.cookies import HERE_COOKIE
from ingest.http.privacy import PrivacyPage
from ingest.stats.queries import HOURS_KEPT
from tests.http.harness import harness

ROOT = Path(ingest.__file__).parent
SCHEMAS = ROOT.parent / "schemas"
KAFKA = {"bootstrap_servers": ["kafka.example:9092"]}

SAID = {
    "headers.allow": ({"headers": {"allow": ["user-agent", "dnt"]}}, "<li><code>user-agent</code>"),
    "url.keep_params": ({"url": {"keep_params": ["colour"]}}, "<code>colour</code>"),
    "visitor.mode": ({"visitor": {"mode": "cookie"}}, "<dt><code>uid</code></dt>"),
    "signals.gpc": (
        {"signals": {"gpc": "drop"}},
        "(<code>Sec-GPC</code>), your visits are not stored at all.",
    ),
    "signals.dnt": (
        {"signals": {"dnt": "share"}},
        "(<code>DNT</code>), your visits are counted, and kept from partners.",
    ),
    "geo.database": ({"geo": {"database": "place.mmdb"}}, "looked up for the shortened address"),
    "sites.file": ({"sites": {"file": "sites.toml"}}, "<dt><code>origin</code></dt>"),
    "store.retention_days": ({"store": {"retention_days": 3}}, "deleted after 3 days at the"),
    "kafka.bootstrap_servers": ({"kafka": KAFKA}, "handed to the operator's Kafka"),
    "kafka.topic_prefix": (
        {"kafka": {**KAFKA, "topic_prefix": "visits"}},
        "<code>visits.events</code>",
    ),
    "privacy.operator": ({"privacy": {"operator": "Ann & Sons"}}, "<p>Ann &amp; Sons</p>"),
    "privacy.contact": (
        {"privacy": {"contact": "ann@example.org"}},
        '<a href="mailto:ann@example.org">ann@example.org</a>',
    ),
}
"""Every option that has to do with privacy: a value of it, and what the page says then only."""
SILENT = {
    "http", "admin", "delivery", "spool", "widget", "rejected", "shutdown", "logs", "stats", "read",
    "data_dir", "role", "workers", "kafka", "store", "sites.max_active", "visitor.key_file",
}  # fmt: skip
"""Options, and sections with all that is not above, that change nothing of what the page says.

Say on the page what a new option does to privacy, or name it here.
"""


async def _page(tmp_path, **options):
    config = Config(data_dir=tmp_path, **options)
    answer = await PrivacyPage(config).show(None)
    return answer.body.decode()


async def test_it_is_served_as_our_own_pages_are(tmp_path):
    async with harness(tmp_path) as server:
        answer = await server.get("/privacy")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert '<html lang="en">' in answer.body.decode()
    assert not re.search(r"<script|<link|<img|<iframe| on[a-z]+=|url\(", answer.body.decode())


@pytest.mark.parametrize("option", SAID)
async def test_an_option_with_an_effect_on_privacy_changes_the_page(tmp_path, option):
    given, said = SAID[option]
    assert said in await _page(tmp_path, **given)
    without = {"kafka": KAFKA} if option == "kafka.topic_prefix" else {}
    assert said not in await _page(tmp_path, **without)


def test_every_option_is_on_the_page_or_has_nothing_to_do_with_privacy():
    unsaid = [
        option.name
        for option in options()
        if option.name not in SAID
        and option.name not in SILENT
        and option.name.partition(".")[0] not in SILENT
    ]
    assert unsaid == []


async def test_every_field_of_an_event_is_listed_in_the_schemas_words(tmp_path):
    page = await _page(tmp_path, geo={"database": "x"}, sites={"file": "x"})
    for name in ("event.v1.json", "rejected.v1.json"):
        schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
        for field, about in schema["properties"].items():
            words = re.split("[`<>&\"']", about["description"])[0]
            assert f"<dt><code>{field}</code></dt><dd>{words}" in page


async def test_fields_that_stay_empty_are_not_listed(tmp_path):
    page = await _page(tmp_path, headers={"allow": []})
    for field in ("country", "region", "city", "origin", "headers"):
        assert f"<dt><code>{field}</code></dt>" not in page
    assert "No place is looked up." in page
    assert "None of the headers of your browser's request is kept." in page


async def test_no_header_is_listed_that_is_not_kept(tmp_path):
    page = await _page(tmp_path, headers={"allow": ["accept-language"]})
    assert re.findall(r"<li><code>([^<]+)</code>", page) == ["accept-language"]


async def test_every_cookie_that_the_server_may_set_is_listed(tmp_path):
    """A module that sets one calls its name `…_COOKIE`."""
    page = await _page(tmp_path, visitor={"mode": "cookie"}, sites={"file": "sites.toml"})
    days = r"(?:400|30) days"
    row = rf"<dt><code>([\w.]+)</code></dt><dd>[^<]+(?:<code>1</code>)?; {days}"
    listed = set(re.findall(row, page))
    assert listed == {node.value.value for node in _cookie_names()}
    assert await _page(tmp_path) != page
    assert "<dt><code>uid</code>" not in await _page(tmp_path)
    assert {OPTOUT_COOKIE, HERE_COOKIE} < listed


def _cookie_names():
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and node.targets[0].id.endswith("_COOKIE")
                and isinstance(node.value, ast.Constant)
            ):
                yield node


@pytest.mark.parametrize("options", [{}, {"kafka": KAFKA}])
async def test_nothing_is_kept_for_longer_than_the_promise(tmp_path, options):
    page = await _page(tmp_path, **options)
    days = [int(number) for number in re.findall(r"after (\d+) days? at the", page)]
    assert days
    assert max(days) == LONGEST_DAYS == 20
    short = await _page(tmp_path, store={"retention_days": 1})
    assert "An event is deleted after 1 day at the latest." in short
    assert HOURS_KEPT == 48
    assert "For that each visit is kept for two days" in short


async def test_a_contact_may_be_a_page(tmp_path):
    where = "https://example.org/privacy?a=1&b=2"
    page = await _page(tmp_path, privacy={"contact": where})
    assert '<a href="https://example.org/privacy?a=1&amp;b=2">' in page


@pytest.mark.parametrize("where", ["", "nobody", "javascript:alert(1)", 'a"b@example.org', "a@b c"])
def test_a_contact_that_is_none_stops_the_start(tmp_path, where):
    with pytest.raises(ValueError, match="neither a mail address nor a page's address"):
        Config(data_dir=tmp_path, privacy={"contact": where})


async def test_without_a_contact_it_says_so(tmp_path):
    assert "has not named themselves" in await _page(tmp_path)


@pytest.mark.parametrize("meanings", [("share", "ignore"), ("share", "share"), ("drop", "drop")])
async def test_events_kept_from_partners_are_those_of_the_signals_that_say_so(tmp_path, meanings):
    page = await _page(tmp_path, signals=dict(zip(("gpc", "dnt"), meanings, strict=True)))
    assert ("are marked" in page) == ("share" in meanings)
    marked = "Global Privacy Control or Do Not Track are marked"
    assert (marked in page) == (meanings == ("share", "share"))


@pytest.mark.parametrize("target", ["/", "/opt-out", "/privacy", "/demo"])
async def test_every_page_leads_to_the_others(tmp_path, target):
    async with harness(tmp_path) as server:
        page = (await server.get(target)).body.decode()
    footer = page.partition("<footer>")[2]
    assert re.findall(r'href="([^"]+)"', footer) == ["/", "/demo", "/opt-out", "/privacy"]


async def test_robots_may_read_it(tmp_path):
    async with harness(tmp_path) as server:
        assert b"Allow: /privacy$" in (await server.get("/robots.txt")).body
