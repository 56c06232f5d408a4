"""`ingest stats SITE` against a running server."""

import json
import time
from urllib.parse import urlencode

import pytest

from ingest.__main__ import main
from ingest.http.api_models import BREAKDOWNS
from ingest.http.rfc3339 import write_time
from ingest.show_stats import _table
from ingest.stats_range import read_range
from tests.support.metrics import scrape
from tests.support.raw import request
from tests.support.server import Server, start_server
from tests.support.wait import until

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
TOKEN = "a-long-random-word"


PAGES = ("https://shop.example/", "https://shop.example/", "https://shop.example/basket")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("stats")
    file = directory / "sites.toml"
    listed = (f"[sites.{name}]\npublic = true\n" for name in ("shop", "quiet", "crawled"))
    file.write_text("".join(listed) + f'[sites.closed]\ntoken = "{TOKEN}"\n')
    with start_server(directory, "--set", f"sites.file={file}") as started:
        for number, page in enumerate(PAGES):
            ping(started, "shop", number % 2, f"&u={page}&r=https://news.example/")
        ping(started, "closed", 1)
        ping(started, "crawled", 1, agent="Googlebot/2.1 (+http://www.google.com/bot.html)")
        until(lambda: _seen(started) == 5)
        yield started


def ping(server: Server, site: str, number: int, more: str = "", agent: str = BROWSER) -> None:
    headers = {"User-Agent": f"{agent} {number}"}
    assert request(server.url, f"/p.gif?s={site}{more}", headers=headers).outcome == "stored"


def _seen(server: Server) -> float:
    metrics = scrape(server.admin_url)
    return sum(metrics[f"beacon_stats_events_{name}_total"] for name in ("counted", "bots"))


def stats(server: Server, site: str, *flags: str) -> int:
    return main(["stats", site, "--url", server.url, *flags])


def tables(said: str) -> dict[str, list[str]]:
    """The lines below each head, by its first word."""
    blocks = [block.splitlines() for block in said.strip().split("\n\n")[1:]]
    return {lines[0].split()[0].rstrip(":"): lines[1:] for lines in blocks}


def test_it_prints_now_the_last_days_and_all_lists(server, capsys):
    assert stats(server, "Shop") == 0
    said = capsys.readouterr().out
    assert said.startswith("shop, 20")
    assert "\nnow 2 online, most today 2 at " in said
    found = tables(said)
    assert list(found) == ["day", *BREAKDOWNS]
    assert len(found["day"]) == 7
    assert any(line.split()[1:] == ["2", "3", "2", "0:00:00"] for line in found["day"])
    assert [line.split() for line in found["page"]] == [
        ["shop.example/", "2", "2"],
        ["shop.example/basket", "1", "1"],
    ]
    assert [line.split()[0] for line in found["referrer"]] == ["news.example"]
    assert [line.split()[0] for line in found["browser"]] == ["Firefox"]
    assert "country: none" in said


@pytest.mark.parametrize(
    ("text", "head", "rows"),
    [("30m", "minute", 30), ("24h", "hour", 24), ("2d", "day", 2), ("60d", "day", 60)],
)
def test_a_range_says_how_wide_its_rows_are(server, capsys, text, head, rows):
    assert stats(server, "shop", "--range", text) == 0
    said = capsys.readouterr().out
    found = tables(said)
    assert len(found[head]) == rows
    unlisted = text in ("30m", "60d")
    assert ("page" not in found) is unlisted
    assert ("Lists go back 48 hours, in whole hours, or 20 days." in said) is unlisted


@pytest.mark.parametrize("text", ["today", "yesterday", "48h", "49h", "20d", "21d", "1h", "1d"])
def test_whether_lists_are_kept_is_as_the_api_says(server, text):
    now = int(time.time() * 1000)
    given = read_range(text, now)
    query = urlencode({"by": "page", "from": write_time(given.start), "to": write_time(given.end)})
    answer = request(server.url, f"/api/v1/sites/shop/stats?{query}")
    if given.start == read_range(text, int(time.time() * 1000)).start:  # no hour passed meanwhile
        assert (answer.status == 200) is given.is_listed(now)


def test_hours_to_come_are_not_shown(server, capsys):
    assert stats(server, "shop", "--range", "today") == 0
    newest = tables(capsys.readouterr().out)["hour"][0].split()
    assert f"{newest[0]}T{newest[1]}" <= time.strftime("%Y-%m-%dT%H:%M", time.gmtime())


def test_one_kind_of_rows_and_how_many(server, capsys):
    assert stats(server, "shop", "--by", "page", "--limit", "1", "--range", "1d") == 0
    assert [line.split()[0] for line in tables(capsys.readouterr().out)["page"]] == [
        "shop.example/"
    ]
    assert stats(server, "shop", "--by", "page", "--limit", "501") == 1
    assert "limit: Input should be less than or equal to 500" in capsys.readouterr().err
    assert stats(server, "shop", "--by", "minute", "--range", "3h") == 1
    assert "minutes are kept for an hour" in capsys.readouterr().err


def test_as_json_it_is_what_the_api_answers(server, capsys):
    assert stats(server, "shop", "--json", "--range", "1d") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["now"]["site"], found["now"]["now"]) == ("shop", 2)
    assert list(found["stats"]) == ["day", *BREAKDOWNS]
    api = request(server.url, "/api/v1/sites/shop/stats?by=page&limit=10")
    assert found["stats"]["page"] == json.loads(api.body)


@pytest.mark.parametrize("words", [(), ("--json",), ("--range", "60d"), ("--by", "page")])
def test_a_site_that_nobody_visited_is_said_instead_of_zeros(server, capsys, words):
    assert stats(server, "quiet", *words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "no visit to quiet was counted in the last 20 days. Is the name right" in said.err


def test_a_site_that_only_bots_visited_says_so(server, capsys):
    assert stats(server, "crawled") == 1
    assert "page views of bots that were left out: 1. Is" in capsys.readouterr().err


def test_a_range_without_visits_of_a_site_that_has_some_is_shown(server, capsys):
    assert stats(server, "shop", "--range", "yesterday", "--by", "hour") == 0
    assert len(tables(capsys.readouterr().out)["hour"]) == 24


def test_what_a_terminal_would_obey_is_not_printed(capsys):
    row = {"value": "a.example/\x9b2J\u202e" + "x" * 100, "pageviews": 1, "visitors": 1}
    (_, line) = _table("page", {"rows": [row]}, "")
    assert line.split()[0] == "a.example/\ufffd2J\ufffd" + "x" * 45 + "…"


def test_a_private_site_needs_its_token(server, capsys, monkeypatch):
    assert stats(server, "closed") == 1
    assert "the token is missing" in capsys.readouterr().err
    assert stats(server, "closed", "--token", "another-long-word") == 1
    said = capsys.readouterr().err
    assert "is not the site's" in said
    assert "another" not in said
    assert stats(server, "closed", "--token", TOKEN) == 0
    monkeypatch.setenv("BEACON_READ__TOKEN", TOKEN)
    assert stats(server, "closed") == 0
    assert TOKEN not in capsys.readouterr().out


def test_a_site_that_is_not_there_is_said(server, capsys):
    assert stats(server, "other") == 1
    assert "there is no site of this name" in capsys.readouterr().err
    assert stats(server, "no name") == 1
    assert "is no site's name" in capsys.readouterr().err


def test_a_server_that_is_none_of_ours_is_said(server, capsys):
    assert main(["stats", "shop", "--url", "http://127.0.0.1:1"]) == 1
    assert "no answer from http://127.0.0.1:1: Connection refused" in capsys.readouterr().err
    assert main(["stats", "shop", "--url", server.admin_url]) == 1
    assert "does not answer as this version does" in capsys.readouterr().err
