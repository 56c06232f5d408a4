"""Whether the machine's memory is enough for all that may be counted."""

import os
import re
from pathlib import Path

import pytest

from ingest.config import Config, Kafka, Role, Sites, Stats
from ingest.memory import SITE, there_is, too_little

GB = 1_000_000_000
MEASURED = Path(__file__).parents[1] / "benchmarks" / "results" / "counted.md"


def test_a_site_takes_no_more_than_is_reckoned_with():
    found = re.search(r"([\d,]+) bytes a site", MEASURED.read_text())
    assert found is not None
    assert 0.95 * SITE < int(found[1].replace(",", "")) <= SITE


@pytest.mark.parametrize(
    ("sites", "ids", "enough"), [(100_000, 8_000_000, 1.1), (1_000_000, 8_000_000, 9.0)]
)
def test_sites_and_ids_take_what_was_measured(sites, ids, enough):
    config = Config(sites=Sites(max_active=sites), stats=Stats(max_ids=ids))
    assert too_little(config, int(enough * GB)) is None
    assert f"{sites:,} small sites" in (too_little(config, int(0.9 * enough * GB)) or "")


def test_what_may_be_counted_by_default_fits_into_little_more_than_a_gigabyte():
    assert too_little(Config(), int(1.1 * GB)) is None


def test_a_collector_counts_nothing():
    kafka = Kafka(bootstrap_servers=("kafka:9092",))
    assert too_little(Config(kafka=kafka, role=Role.COLLECTOR), 1) is None


def test_there_is_no_more_than_the_machine_has():
    assert 0 < there_is() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
