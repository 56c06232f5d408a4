"""What counting costs: that all ways are measured and count the same, not how long they take."""

import json

import pytest

from benchmarks import catching_up
from benchmarks.alone import alone
from benchmarks.catching_up import Log
from benchmarks.counted import table
from benchmarks.counting import Memory, memory_of, plain_memory_of, rate
from benchmarks.log_events import NOON, SPAN, of_a_day, of_an_hour
from ingest.stats.event import EventReader

EVENTS, SITES = 400, 5


@pytest.fixture(scope="module")
def log(kafka) -> Log:
    return Log.filled(kafka, list(of_an_hour(EVENTS, SITES, seed=7)), SITES)


def test_events_are_such_as_the_reader_counts_and_lie_within_the_hour():
    made = list(of_an_hour(EVENTS, SITES, seed=7))
    assert made == list(of_an_hour(EVENTS, SITES, seed=7))
    assert {json.loads(value)["site"] for value in made} == {f"site-{n}.example" for n in range(5)}
    reader = EventReader()
    times = [reader.read(value).time for value in made]
    assert NOON - SPAN <= min(times) <= max(times) < NOON


def test_sites_of_a_day_have_ten_visits_each():
    sites = [json.loads(value)["site"] for _, value in of_a_day(3)]
    assert sorted(sites) == sorted(f"site-{n}.example" for n in range(3) for _ in range(10))


@pytest.mark.kafka
@pytest.mark.parametrize("way", [*catching_up.COUNTED, *catching_up.READ])
def test_every_way_reads_all_of_the_log(way, log):
    found = alone(way, log)
    assert (found.events, found.sites) == (EVENTS, SITES)
    assert found.cpu > 0
    assert found.per_second == EVENTS / found.cpu


def test_counting_alone_is_measured_beside_plain_sets_and_both_are_told():
    rates = [alone(rate, SITES, EVENTS, seed) for seed in (1, 2)]
    assert all(each.per_second > 0 and each.plain_per_second > 0 for each in rates)
    sizes = Memory(20, *alone(memory_of, 20), 20, alone(plain_memory_of, 20))
    caught_up = [catching_up.CatchUp("store", 5, 1_000, 0.01 * n, 1.0) for n in (1, 2, 4)]
    said = table([rates], caught_up, sizes)
    assert "| store | 5 | 50,000 (25,000–100,000) | 20.0 |" in said
    assert "20 sites with 10 visitors each in a day" in said
    assert sizes.most_resident > 1_000_000
    assert table([], caught_up, None).startswith("| from | sites |")
