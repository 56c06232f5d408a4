"""The pings of the benchmarks, and the arithmetic of their report. Nothing here is timed."""

import json
import statistics

import pytest

from benchmarks.report import YARDSTICK, Cell, as_json, markdown, rows, spread
from benchmarks.traffic import requests
from ingest.beacon.query import read_query
from ingest.http.head import HeadParser

NAMES = {"s": "site", "u": "url", "p": "page_id", "tz": "timezone"}


def test_every_request_is_another():
    made = requests(1, 3_000)
    assert len(set(made)) == 3_000
    heads = [HeadParser(100).parse(request) for request in made]
    for name in (b"cookie", b"x-forwarded-for"):
        assert len({head.headers[name] for head in heads}) > 2_900
    assert len({head.headers[b"user-agent"] for head in heads}) > 1_000
    assert len({read_query(head.query, NAMES).values["url"] for head in heads}) == 3_000


def test_a_seed_makes_the_same_requests_again():
    assert requests(7, 200) == requests(7, 200)
    assert not set(requests(7, 200)) & set(requests(8, 200))
    assert requests(7, 300)[:200] == requests(7, 200)


def test_requests_are_well_formed_and_of_about_700_bytes():
    made = requests(2, 1_000)
    for request in made:
        head = HeadParser(100).parse(request)
        assert (head.method, head.path, head.length) == (b"GET", "/p.gif", 0)
        assert head.keep_alive
        assert {"site", "url", "page_id", "timezone"} <= set(read_query(head.query, NAMES).values)
    assert 650 < statistics.mean(map(len, made)) < 750


def _cells() -> list[Cell]:
    return [
        Cell(YARDSTICK, 64, 1, 1_000, 0.010, 0.5),
        Cell("ours", 64, 1, 1_000, 0.040, 0.5, 4, 10),
        Cell(YARDSTICK, 64, 2, 1_000, 0.020, 0.5),
        Cell("ours", 64, 2, 1_000, 0.050, 0.5, 4, 20),
    ]


def test_costs_are_per_ping_and_ratios_within_a_round():
    yard, ours = rows(_cells())
    assert [cell.cost for cell in ours.cells] == pytest.approx([40, 50])
    assert ours.ratios == pytest.approx([4, 2.5])
    assert yard.ratios == pytest.approx([1, 1])
    assert [cell.batch_events for cell in ours.cells] == [100, 50]


def test_the_table_says_least_median_and_most():
    assert spread([3, 1, 2]) == "1.0–2.0–3.0"
    assert "| ours | 64 | 40.0–45.0–50.0 | 2.50–3.25–4.00 | 4 | 50–75–100 | 2,000 |" in markdown(
        _cells()
    )


def test_the_json_holds_every_cell():
    said = json.loads(as_json(_cells(), {"seed": 1}))
    assert said["about"] == {"seed": 1}
    assert [cell["cost_us"] for cell in said["cells"]] == pytest.approx([10, 40, 20, 50])
