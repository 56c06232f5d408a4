"""Counting is right: against plain sets, over a day of many visitors on a hundred sites."""

import pytest

from ingest.stats.breakdown import Audience
from ingest.stats.heavy_hitters import HeavyHitters
from ingest.stats.queries import DAY, HOUR, MINUTE, By
from ingest.stats.site import Site
from ingest.stats.stats import Stats
from tests.stats.support import MIDNIGHT, close_enough
from tests.stats.traffic import COLUMNS, Truth, day

LAST = MIDNIGHT + DAY - 1


def whole_day(site: Site) -> Audience:
    """All hours of the day."""
    made = Audience()
    for hour in site.hours.values():
        made.merge(hour.audience)
    return made


def assert_right(stats: Stats, truth: Truth) -> None:
    """Days, hours, lists, views and now of every site."""
    for name, visitors in truth.days.items():
        site = stats.site(name)
        assert site is not None
        assert close_enough(site.now(LAST // MINUTE), len(truth.now[name]))
        total = whole_day(site)
        assert close_enough(total.visitors.count, len(visitors)), name
        for by, values in COLUMNS.items():
            assert_same_values(total.top(by), truth, name, by, values)
        for hour, window in site.hours.items():
            key = (name, hour - MIDNIGHT // HOUR)
            assert window.views == truth.views[key]
            assert close_enough(window.audience.visitors.count, len(truth.hours[key]))


def assert_same_values(
    top: HeavyHitters, truth: Truth, name: str, by: By, values: tuple[str, ...]
) -> None:
    """Every value with its views and visitors, and no other."""
    found = dict(top.items())
    assert set(found) == {value for value in values if truth.value_views[name, by, value]}
    for value, hitter in found.items():
        key = (name, by, value)
        assert hitter.views == truth.value_views[key], key
        assert close_enough(hitter.visitors.count, len(truth.values[key])), key


@pytest.mark.timeout(600)
def test_as_right_as_plain_sets():
    events, truth = day()
    stats = Stats(LAST)
    for value in events:
        stats.apply(value)
    assert stats.counts.counted == len(events)
    assert_right(stats, truth)
