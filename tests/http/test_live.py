"""The live page as it is served: all in it without script, and nothing from elsewhere."""

import gzip
import html
import re
import time
from html.parser import HTMLParser

import pytest

from ingest.http.live_view import live_view
from ingest.stats import ranges
from ingest.stats.answers import Answers
from ingest.stats.delay import Lag
from ingest.stats.queries import DAY, HOUR, MINUTE
from ingest.stats.windows import Day
from tests.http.harness import NOW, harness
from tests.stats.support import event

SITE = "shop.example"
TOKEN = "open-sesame-open-sesame"
SITES = f'[sites."{SITE}"]\ntoken = "{TOKEN}"\n'


@pytest.fixture
async def server(tmp_path):
    async with harness(tmp_path) as made:
        yield made


async def _count(server, *events):
    await server.keeper.apply([event(received=NOW, **{"site": SITE, **each}) for each in events])


async def _page(server, site=SITE):
    answer = await server.get(f"/live/{site}")
    assert answer.status == 200
    return answer.body.decode()


def _text(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html.replace("<wbr>", "")).split())


def _utc(milliseconds):
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(milliseconds / 1000))


def _rows(html, name):
    table = html[html.index(f'<table id="{name}">') :]
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    return [_text(row) for row in body.split("</tr>") if "<tr" in row]


async def test_it_shows_who_is_there_now(server):
    pages = ("https://a.example/1", "https://a.example/1", "https://a.example/2")
    visits = [{"at": NOW, "visitor": n, "url": url} for n, url in enumerate(pages)]
    await _count(server, *visits)
    html = await _page(server)
    assert '<strong id="now">3</strong>' in html
    assert "<title>3 online · shop.example</title>" in html
    reading = html[html.index("Being read now") :]
    assert "a.example/1 2 a.example/2 1" in _text(reading)


async def test_it_shows_minutes_hours_and_days_with_the_highest_marked(server):
    minute = NOW // MINUTE * MINUTE
    early = [{"at": minute - 7 * MINUTE, "visitor": n} for n in range(4)]
    day = [{"at": NOW // DAY * DAY - 3 * DAY, "visitor": n} for n in range(6)]
    await _count(server, {"at": NOW, "visitor": 1}, *early, *day)
    html = await _page(server)
    minutes, hours, days = (_rows(html, name) for name in ("minutes", "hours", "days"))
    assert (len(minutes), len(hours), len(days)) == (30, 24, 20)
    assert minutes[-1].endswith("UTC 1 1")
    assert minutes[-8].endswith("UTC most 4 4")
    assert sum("most" in row for row in minutes) == 1
    assert hours[-1].endswith(" 4 5") or hours[-2].endswith(" 4 4")
    assert days[-4].endswith("most 6 6")


async def test_it_shows_where_visitors_come_from_and_with_what(server):
    visit = {
        "at": NOW - HOUR,
        "url": "https://a.example/",
        "referrer": "https://news.example/x",
        "country": "NZ",
        "browser": "Firefox",
        "os": "Linux",
    }
    await _count(server, visit)
    text = _text(await _page(server))
    for words in ("news.example 1", "New Zealand 1", "Firefox 1", "Linux 1"):
        assert words in text


@pytest.mark.parametrize(("at", "visitors"), [(NOW, 2), (NOW // DAY * DAY + DAY - 1, 1)])
async def test_it_says_when_its_lists_count_visitors_of_two_days_twice(server, at, visitors):
    """All day but in its last hour."""
    await _count(server, *({"at": at - 7 * HOUR * n, "country": "NZ"} for n in range(2)))
    view = await live_view(Answers(server.keeper, Lag(), lambda: at), {}, SITE, at)
    assert view.countries.lines[0].visitors == visitors
    assert view.several_days is (visitors == 2)


async def test_each_list_of_the_last_24_hours_says_what_it_counts(server):
    await _count(server, {"at": NOW})
    html = await _page(server)
    note = "Last 24 hours. Who came on both days (UTC) counts twice"
    assert html.count(f'<p class="quiet">{note}</p>') == 6


async def test_a_site_nobody_visited_says_so_and_how_to_begin(server):
    html = await _page(server, "quiet")
    text = _text(html)
    assert "Nobody has been here yet" in text
    assert "&lt;img src=&#34;http://beacon.test/badge/quiet.svg&#34;" in html
    assert "data-site=&#34;quiet&#34;" in html
    assert 'href="/demo?site=quiet"' in html


async def test_an_empty_page_says_how_many_bots_were_left_out(server):
    assert "Bots are left out. Browsers without a window" in _text(await _page(server, "quiet"))
    await _count(server, *({"at": NOW, "bot": True} for _ in range(1_234)))
    text = _text(await _page(server))
    assert "Nobody has been here yet" in text
    assert "since this server was started, at least 1,234 of their page views" in text


async def test_where_bots_are_counted_none_are_said_to_be_left_out(tmp_path):
    async with harness(tmp_path, stats={"count_bots": True}) as server:
        text = _text(await _page(server))
        assert "Nobody has been here yet" in text
        assert "Bots" not in text


async def test_what_visitors_send_is_escaped(server):
    evil = "https://a.example/<script>alert(1)</script>\"'"
    await _count(server, {"at": NOW, "url": evil})
    html = await _page(server)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


async def test_a_delay_is_told(server):
    server.lag.since = NOW - 2 * MINUTE
    text = _text(await _page(server))
    assert f"Counts are delayed since {_utc(NOW - 2 * MINUTE)} UTC" in text


@pytest.mark.parametrize("name", ["!", "", "a%20b", "x" * 65, "a/b"])
async def test_what_is_no_sites_name_has_no_page(server, name):
    assert (await server.get(f"/live/{name}")).status == 404


async def test_upper_case_is_the_same_site(server):
    await _count(server, {"at": NOW})
    assert "<h1>shop.example</h1>" in await _page(server, "Shop.Example")


async def test_nothing_but_own_files_may_run_or_be_asked_for(server):
    answer = await server.get(f"/live/{SITE}")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "connect", "img")} == {"'self'"}
    assert answer.headers["cache-control"] == "no-store"
    html = answer.body.decode()
    assert not re.search(r"<style|style=|<script>|\son\w+=|https?://(?!beacon\.test)", html)


async def test_it_is_gzipped_for_who_reads_that(server):
    plain = await server.get(f"/live/{SITE}")
    packed = await server.get(f"/live/{SITE}", Accept_Encoding="br, gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


async def test_all_who_look_at_once_are_shown_one_page(server):
    await _count(server, {"at": NOW, "visitor": 1})
    before = await _page(server)
    await _count(server, {"at": NOW, "visitor": 2})
    assert await _page(server) == before  # time stands still here
    other = await server.get(f"/live/{SITE}", Host="other.example")
    assert other.body.decode() == before  # anybody may write any Host


async def test_snippets_name_the_host_that_was_asked_for(server):
    for host in ("one.example", "two.example"):
        plain = await server.get(f"/live/{SITE}", Host=host)
        packed = await server.get(f"/live/{SITE}", Host=host, Accept_Encoding="gzip")
        assert gzip.decompress(packed.body) == plain.body
        named = re.findall(
            r"https?://([^/]+)/(?:live|badge|w\.js)", html.unescape(plain.body.decode())
        )
        assert named == [host] * 3


async def test_a_page_puts_the_hours_together_once(server, monkeypatch):
    visit = {"country": "NZ", "browser": "Firefox", "os": "Linux", "url": "https://a.example/"}
    await _count(server, *({"at": NOW - n * HOUR, "visitor": n, **visit} for n in range(3)))
    taken = []

    class Watched(Day):
        def take(self, hour):
            taken.append(hour.start)
            super().take(hour)

    monkeypatch.setattr(ranges, "Day", Watched)
    assert "New Zealand 3" in _text(await _page(server))
    assert sorted(taken) == [NOW // HOUR - 2, NOW // HOUR - 1, NOW // HOUR]


async def test_a_page_that_failed_is_made_again(server, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(server.live, "_countries", None)
        await _count(server, {"at": NOW, "country": "NZ"})
        assert (await server.get(f"/live/{SITE}")).status == 500
    assert "New Zealand" in await _page(server)


async def test_a_private_site_is_shown_to_who_has_its_token(tmp_path):
    listed = tmp_path / "sites.toml"
    listed.write_text(SITES)
    async with harness(tmp_path, sites={"file": listed}) as server:
        await _count(server, {"at": NOW})
        denied = await server.get(f"/live/{SITE}")
        assert denied.status == 401
        assert b"online" not in denied.body
        assert (await server.get("/live/unknown")).status == 404
        given = await server.get(f"/live/{SITE}?token={TOKEN}")
        assert (given.status, given.headers["location"]) == (303, f"/live/{SITE}")
        cookie = given.headers["set-cookie"].partition(";")[0]
        assert (await server.get(f"/live/{SITE}", Cookie=cookie)).status == 200


async def test_the_form_takes_a_token_for_a_cookie(tmp_path):
    listed = tmp_path / "sites.toml"
    listed.write_text(SITES)
    async with harness(tmp_path, sites={"file": listed}) as server:
        given = await server.post(f"token={TOKEN}".encode(), f"/live/{SITE}")
        assert (given.status, given.headers["location"]) == (303, f"/live/{SITE}")
        cookie = given.headers["set-cookie"]
        assert TOKEN not in cookie
        assert "HttpOnly" in cookie
        cookie = cookie.partition(";")[0]
        assert (await server.get(f"/live/{SITE}", Cookie=cookie)).status == 200
        for body in (b"token=wrong", b"token=", b"", b"\xff\x00&=%"):
            wrong = await server.post(body, f"/live/{SITE}")
            assert (wrong.status, "set-cookie" in wrong.headers) == (401, False)


@pytest.mark.parametrize(
    ("query", "status", "leads_to"),
    [
        ("?site=shop.example", 303, "/live/shop.example"),
        ("?site=+Shop.Example%20", 303, "/live/shop.example"),
        ("?site=-bad", 404, None),
        ("?site=//evil.example", 404, None),
        ("?site=", 404, None),
        ("", 404, None),
    ],
)
async def test_a_form_leads_to_a_sites_page(server, query, status, leads_to):
    answer = await server.get(f"/live{query}")
    assert (answer.status, answer.headers.get("location")) == (status, leads_to)


async def test_a_link_from_another_site_is_followed_by_a_reload(tmp_path):
    listed = tmp_path / "sites.toml"
    listed.write_text(SITES)
    async with harness(tmp_path, sites={"file": listed}) as server:
        answer = await server.get(f"/live/{SITE}", Sec_Fetch_Site="cross-site")
        assert (answer.status, b'http-equiv="refresh"' in answer.body) == (200, True)
        assert b"shop" not in answer.body
        assert (await server.get(f"/live/{SITE}", Sec_Fetch_Site="same-origin")).status == 401


async def test_the_script_is_told_where_the_events_are(server):
    assert 'data-stream="/api/v1/sites/other/stream"' in await _page(server, "other")


async def test_its_files_are_found_kept_and_told_apart(server):
    html = await _page(server)
    addresses = re.findall(r'(?:href|src|data-map)="(/assets/[^"]+)"', html)
    assert len(addresses) == 5
    for address in addresses:
        answer = await server.get(address)
        assert (answer.status, answer.headers["cache-control"]) == (200, "public, max-age=86400")
        tag = answer.headers["etag"]
        assert tag.strip('"') in address
        assert (await server.get(address, If_None_Match=tag)).status == 304


async def test_all_of_it_weighs_little(server):
    total = 0
    html = await server.get(f"/live/{SITE}", Accept_Encoding="gzip")
    page = gzip.decompress(html.body).decode()
    for address in re.findall(r'(?:href|src|data-map)="(/assets/[^"]+)"', page):
        total += len((await server.get(address, Accept_Encoding="gzip")).body)
    assert total + len(html.body) <= 64 * 1024


async def test_its_html_is_well_formed(server):
    await _count(server, {"at": NOW, "url": "https://a.example/"})
    open_tags = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            names = [name for name, _ in attrs]
            assert len(names) == len(set(names))
            if tag not in ("meta", "link", "wbr"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Parser().feed(await _page(server))
    assert open_tags == []
