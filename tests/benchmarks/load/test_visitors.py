"""The pings that are sent: who sends them, how they differ, and that a seed makes them again."""

import json
import re
import statistics
from collections import Counter

import pytest

from benchmarks.load.agents import POOL, agents
from benchmarks.load.plan import Kind, Target, Visits
from benchmarks.load.visitors import ARRAY, Traffic, requests
from ingest.beacon.consent import has_opted_out
from ingest.beacon.query import read_query
from ingest.http.head import parse_head

TARGET = Target.of("http://beacon.example/p.gif")
NAMES = {"s": "site", "u": "url", "p": "page_id", "tz": "timezone"}


def _made(**fields) -> list[bytes]:
    return requests(TARGET, Visits(**fields))


def _heads(made):
    return [parse_head(request, 0, 100) for request in made]


def test_every_request_is_another_visitors():
    made = _made(prepared=3_000)
    assert len(set(made)) == 3_000
    heads = _heads(made)
    for name in (b"cookie", b"x-forwarded-for"):
        assert len({head.headers[name] for head in heads}) > 2_900
    assert len({head.headers[b"user-agent"] for head in heads}) > 500
    assert len({read_query(head.query, NAMES).values["url"] for head in heads}) == 3_000


def test_there_are_thousands_of_browsers_and_chromium_sends_hints():
    browsers = agents()
    assert len(set(browsers.lines)) == len(browsers.weights) == POOL
    for lines in browsers.lines:
        assert ("Chrome/" in lines) == ("Sec-CH-UA-Platform: " in lines)
        assert not re.search(r"(?:Chrome|Firefox|Version)/0", lines)


def test_every_browser_can_be_had_once():
    agent = re.compile(rb"User-Agent: [^\r]+\r\n(Sec-CH-UA[^\r]+\r\n)*")
    made = _made(prepared=POOL, each_agent=True)
    assert {agent.search(request)[0].decode() for request in made} == set(agents().lines)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("sticky", [True, False])
def test_a_seed_makes_the_same_requests_again_and_another_makes_others(kind, sticky):
    made = _made(kind=kind, sticky=sticky, seed=7, prepared=100)
    assert made == _made(kind=kind, sticky=sticky, seed=7, prepared=100)
    assert not set(made) & set(_made(kind=kind, sticky=sticky, seed=8, prepared=100))
    assert not set(made) & set(
        requests(TARGET, Visits(kind, 7, sticky=sticky, prepared=100), share=1)
    )


def test_pixels_are_well_formed_and_of_about_650_bytes():
    made = _made(prepared=1_000)
    for head in _heads(made):
        assert (head.method, head.path, head.length) == (b"GET", "/p.gif", 0)
        assert head.keep_alive
        assert {"site", "url", "page_id", "timezone"} <= set(read_query(head.query, NAMES).values)
    assert 600 < statistics.mean(map(len, made)) < 750


def test_sites_follow_zipfs_law():
    heads = _heads(_made(prepared=20_000, sites=100))
    sites = Counter(read_query(head.query, NAMES).values["site"] for head in heads)
    total = sum(1 / rank for rank in range(1, 101))
    for number in (0, 1, 3, 9):
        expected = 20_000 / (number + 1) / total
        assert sites[f"site-{number}.example"] == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_so_many_visitors_have_opted_out(share):
    heads = _heads(_made(prepared=5_000, opt_outs=share))
    out = sum(has_opted_out(head) for head in heads)
    assert out / 5_000 == pytest.approx(share, abs=0.02)


def test_json_has_the_length_it_says_and_arrays_have_ten_events():
    for kind, count in ((Kind.JSON, 1), (Kind.ARRAY, ARRAY)):
        for request in _made(kind=kind, prepared=50):
            head, _, body = request.partition(b"\r\n\r\n")
            assert f"Content-Length: {len(body)}".encode() in head
            assert head.startswith(b"POST /p.gif HTTP/1.1\r\n")
            value = json.loads(body)
            events = value if isinstance(value, list) else [value]
            assert len(events) == count
            assert all({"s", "u", "p", "e"} <= set(event) for event in events)


def test_a_mixture_posts_to_a_path_of_its_own():
    starts = {request.partition(b"?")[0][:7] for request in _made(kind=Kind.MIXED, prepared=200)}
    assert starts == {b"GET /p.", b"POST /e"}


def test_connections_share_the_pings_or_have_a_visitor_each():
    shared = Traffic(_made(prepared=50), sticky=False)
    first, second = shared.visit(), shared.visit()
    assert next(first) != next(second)
    own = Traffic(_made(prepared=50, sticky=True), sticky=True)
    mine, theirs = ([next(visit) for _ in range(5)] for visit in (own.visit(), own.visit()))
    assert len(set(mine)) == 5
    assert len(_addresses(mine)) == len(_addresses(theirs)) == 1
    assert _addresses(mine) != _addresses(theirs)


def test_pings_begin_again_after_the_last():
    shared = Traffic(_made(prepared=50), sticky=False).visit()
    assert [next(shared) for _ in range(50)] == [next(shared) for _ in range(50)]


def _addresses(made):
    return {head.headers[b"x-forwarded-for"] for head in _heads(made)}
