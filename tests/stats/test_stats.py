"""What counts for what."""

import sys

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.stats.breakdown import FOLD
from ingest.stats.left_out import LeftOut
from ingest.stats.queries import DAY, HOUR, MINUTE, By
from ingest.stats.stats import Bounds, NoHistory, Stats
from tests.stats.support import MIDNIGHT, NOON, SITE, close_enough, event

NOW = NOON // MINUTE


def counted(*values, now=NOON, **options):
    stats = Stats(now, **options)
    for value in values:
        stats.apply(value)
    return stats


def site_of(*values, now=NOON):
    site = counted(*values, now=now).site(SITE)
    assert site is not None
    return site


def hour_of(site, at=NOON):
    return site.hours[at // HOUR]


def values(site, by, at=NOON):
    items = hour_of(site, at).audience.top(by).items()
    return {value: (hitter.views, hitter.visitors.count) for value, hitter in items}


def test_a_pageview_counts_for_now_visitors_and_views():
    site = site_of(event(visitor=1), event(visitor=1), event(visitor=2))
    assert site.now(NOW) == 2
    assert hour_of(site).views == 3
    assert hour_of(site).audience.visitors.count == 2
    assert site.minutes[NOW].views == 3


@pytest.mark.parametrize("name", ["heartbeat", "copy", "signed_up"])
def test_other_events_count_for_now_only(name):
    site = site_of(event(name=name))
    assert site.now(NOW) == 1
    assert hour_of(site).views == 0
    assert hour_of(site).audience.visitors.count == 0
    assert values(site, By.NAME) == {name: (1, 1)}


def test_leaving_counts_for_engagement_only():
    site = site_of(event(name="leave", engaged_seconds=12.5))
    assert site.now(NOW) == 0
    assert hour_of(site).views == 0
    assert hour_of(site).engaged == 12.5


def test_page_views_of_bots_are_known_to_be_left_out():
    others = [event(bot=True, name="heartbeat"), event(bot=True, site="other"), event()]
    stats = counted(event(bot=True), event(bot=True), *others)
    assert [stats.left_out.of(site) for site in (SITE, "other", "nobody")] == [2, 1, 0]


def test_of_too_many_sites_those_with_bots_first_are_forgotten():
    left_out = LeftOut(sites=2)
    for site in ("a", "b", "a", "c"):
        left_out.add(site)
    assert [left_out.of(site) for site in "abc"] == [0, 1, 1]


def test_bots_are_counted_nowhere_unless_asked_for():
    stats = counted(event(bot=True))
    assert stats.site(SITE) is None
    assert stats.counts.bots == 1
    assert counted(event(bot=True), count_bots=True).site(SITE) is not None


def test_an_event_whose_visitor_is_unknown_is_a_view_without_visitor():
    site = site_of(event(visitor=None))
    assert hour_of(site).views == 1
    assert hour_of(site).audience.visitors.count == 0
    assert site.now(NOW) == 0


def test_now_is_the_current_minute_and_the_four_before():
    site = site_of(*(event(NOON - ago * MINUTE, visitor=ago) for ago in range(10)))
    assert site.now(NOW) == 5
    assert site.now(NOW + 4) == 1
    assert site.now(NOW + 5) == 0


def test_a_late_event_counts_for_its_own_hour_and_never_for_now():
    late = NOON - 3 * HOUR
    site = site_of(event(visitor=1), event(late, visitor=2, received=NOON))
    assert site.now(NOW) == 1
    assert site.now(late // MINUTE) == 0
    assert hour_of(site, late).views == 1
    assert hour_of(site).views == 1


def test_an_event_of_days_ago_counts_for_its_own_day():
    late = NOON - 5 * DAY
    site = site_of(event(late, visitor=2, country="DE"))
    assert site.hours == {}
    day = site.days[late // DAY]
    assert (day.views, day.audience.visitors.count) == (1, 1)
    assert [value for value, _ in day.audience.top(By.COUNTRY).items()] == ["DE"]


def test_events_older_than_what_is_kept_are_not_counted():
    stats = counted(event(NOON - 20 * DAY), event(MIDNIGHT - 19 * DAY))
    assert stats.counts.too_old == 1
    assert stats.counts.counted == 1


def test_at_midnight_now_is_the_larger_of_two_keys_counts():
    """The same ten people get other numbers when the key changes; one of them comes anew."""
    before = [event(MIDNIGHT - MINUTE, visitor=number) for number in range(10)]
    after = [event(MIDNIGHT + 10, visitor=1_000 + number) for number in range(3)]
    site = site_of(*before, *after, now=MIDNIGHT)
    midnight = MIDNIGHT // MINUTE
    assert site.now(midnight - 1) == 10
    assert site.now(midnight) == 10
    assert site.now(midnight + 3) == 10
    assert site.now(midnight + 4) == 3


def test_an_event_received_after_midnight_is_of_the_new_key():
    """It happened before midnight, but its visitor's number is of the day of its receipt."""
    before = [event(MIDNIGHT - 1, visitor=number) for number in range(2)]
    straggler = event(MIDNIGHT - 1, visitor=1_000, received=MIDNIGHT + 5)
    after = [event(MIDNIGHT + 10, visitor=1_000 + number) for number in range(2)]
    site = site_of(*before, straggler, *after, now=MIDNIGHT)
    assert site.now(MIDNIGHT // MINUTE) == 2


def test_the_peak_is_the_most_at_one_time_of_the_day_and_when():
    crowd = [event(NOON - 30 * MINUTE + number, visitor=number) for number in range(7)]
    site = site_of(*crowd, event(NOON - 10 * MINUTE), event(NOON))
    assert site.peak(NOW) == (7, NOW - 30)
    assert site.peak(NOW + 24 * 60) == (0, 0)


VISITS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=80
)
"""Minute, minutes that it comes late, and visitor."""


def peak_of(visits):
    """What is counted and when, and who was there in each minute."""
    start = NOW - 30
    site = site_of(*(event((start + minute) * MINUTE, visitor=who) for minute, _, who in visits))
    there = [
        len({who for minute, _, who in visits if last - 5 < minute <= last}) for last in range(30)
    ]
    value, when = site.peak(NOW)
    return value, when - start, there


@given(VISITS)
def test_the_peak_is_the_largest_now_of_all_minutes(visits):
    value, when, there = peak_of(sorted(visits))
    assert value == max(there) == there[when]


@given(VISITS)
def test_late_events_never_make_a_peak_too_high(visits):
    """They may miss those of minutes before, who are forgotten once they are out of now."""
    value, when, there = peak_of(sorted(visits, key=lambda visit: visit[0] + visit[1]))
    assert value <= there[when]


def test_the_peak_spans_minutes():
    site = site_of(*(event(NOON - ago * MINUTE, visitor=ago) for ago in (3, 2, 1, 0)))
    assert site.peak(NOW) == (4, NOW)


def test_the_same_id_within_the_hour_counts_once():
    value = event()
    stats = counted(value, value, event())
    assert (stats.counts.counted, stats.counts.duplicates) == (2, 1)


def test_the_same_id_of_another_hour_or_site_is_another_event():
    value = orjson.loads(event())
    later = {**value, "time": "2024-11-24T13:00:00.000Z"}
    other = {**value, "site": "other.example"}
    stats = counted(*map(orjson.dumps, (value, later, other)), now=NOON + HOUR)
    assert stats.counts.counted == 3


def test_sites_beyond_the_bound_are_not_counted():
    stats = counted(event(site="a"), event(site="b"), event(site="a"), bounds=Bounds(sites=1))
    assert list(stats.sites) == ["a"]
    assert (stats.counts.counted, stats.counts.sites_full) == (2, 1)


@pytest.mark.parametrize(
    "value",
    [
        b"", b"[]", b"1", b"{}", b"{", b'{"v":2}',
        event(visitor="x"), event(site=1), event(id=7), event(id="x"), event(time="yesterday"),
        event(country=5), event(name=[]), event(engaged_seconds="1"), event(url=["x"]),
    ],
)  # fmt: skip
def test_what_is_no_event_is_counted_as_such(value):
    assert counted(value).counts.bad == 1


class FaultyHistory(NoHistory):
    """Fails for one site."""

    def knows(self, site):
        if site == "faulty":
            raise RuntimeError("192.0.2.77")
        return False


def test_a_fault_is_passed_over_and_said_once_without_the_record(caplog):
    faulty = [event(site="faulty") for _ in range(2)]
    stats = counted(b"192.0.2.77", b"{}", event(), *faulty, event(), history=FaultyHistory())
    assert (stats.counts.bad, stats.counts.counted) == (4, 2)
    lines = [record for record in caplog.records if record.message == "a record cannot be counted"]
    assert [record.levelname for record in lines] == ["WARNING", "ERROR"]
    assert not any("192.0.2" in str(record.__dict__["fields"]) for record in lines)


def test_a_page_is_host_and_path():
    site = site_of(
        event(url="https://a.example/b?utm_source=x"), event(url="http://a.example/b", visitor=2)
    )
    assert values(site, By.PAGE) == {"a.example/b": (2, 2)}


def test_a_referrer_is_another_host_without_www():
    url = "https://www.a.example/"
    site = site_of(
        event(url=url, referrer="https://www.b.example/x"),
        event(url=url, referrer="http://b.example/", visitor=2),
        event(url=url, referrer="https://a.example/before"),
        event(url=url),
    )
    assert values(site, By.REFERRER) == {"b.example": (2, 2)}


@pytest.mark.parametrize("views", [3, FOLD, FOLD + 1, 3 * FOLD, 20 * FOLD])
def test_breakdowns_are_the_same_as_rows_and_folded(views):
    site = site_of(
        *(
            event(NOON + n, visitor=n // 2, country="DE" if n % 3 else "FR", device="mobile")
            for n in range(views)
        )
    )
    french = {n // 2 for n in range(views) if n % 3 == 0}
    german = {n // 2 for n in range(views) if n % 3}
    assert values(site, By.COUNTRY) == {
        "FR": ((views + 2) // 3, len(french)),
        "DE": (views - (views + 2) // 3, len(german)),
    }
    assert values(site, By.DEVICE) == {"mobile": (views, (views + 1) // 2)}
    assert values(site, By.BROWSER) == {}
    assert hour_of(site).audience.visitors.count == (views + 1) // 2


def test_what_is_too_old_is_dropped_and_an_hour_becomes_part_of_its_day():
    stats = counted(*(event(NOON + n, visitor=n, country="DE") for n in range(400)))
    site = stats.site(SITE)
    assert site is not None
    list(stats.sweep(NOON + 47 * HOUR))
    assert site.minutes == {}
    assert hour_of(site).views == 400
    list(stats.sweep(NOON + 48 * HOUR))
    assert site.hours == {}
    day = site.days[NOON // DAY]
    assert (day.views, day.audience.visitors.count) == (400, 400)
    assert [hitter.views for _, hitter in day.audience.top(By.COUNTRY).items()] == [400]
    assert day.peak == 400


def test_a_clock_that_jumps_ahead_and_back_leaves_the_present_alone():
    site = site_of(event(NOON + 3 * HOUR, visitor=9), *(event(visitor=n) for n in range(3)))
    assert site.now(NOW) == 3


@pytest.mark.parametrize("ahead", [5 * MINUTE, 6 * MINUTE, 3 * HOUR])
def test_an_event_from_a_clock_that_is_ahead_empties_no_minute(ahead):
    """Nor do those that come after it."""
    there = [event(NOON - n % 4 * MINUTE, visitor=n) for n in range(10)]
    late = event(NOON - MINUTE, visitor=10)
    site = site_of(*there, event(NOON + ahead, visitor=11), late, event(visitor=12))
    assert site.now(NOW) == 12
    assert site.peak(NOW)[0] == 12


def test_a_crowd_beyond_what_is_kept_with_pages_is_counted():
    site = site_of(*(event(NOON + n, visitor=n) for n in range(5_000)))
    assert close_enough(site.now(NOW), 5_000)
    assert close_enough(site.minutes[NOW].visitors.count, 5_000)


def test_minutes_with_many_and_with_few_are_united():
    """Bitmaps, and the dictionaries of minutes before and after them."""
    crowds = {0: range(3_000), 1: range(2_500, 4_000), 2: range(2_000, 5_000), 3: range(10)}
    site = site_of(
        *(event(NOON - ago * MINUTE, visitor=n) for ago, crowd in crowds.items() for n in crowd)
    )
    assert close_enough(site.now(NOW), 5_000)


def test_who_was_there_on_a_large_site_is_forgotten_though_nobody_asks_any_more():
    stats = Stats(NOON)
    for number in range(11_000):
        stats.apply(event(NOON, visitor=number))
    stats.apply(event(NOON + MINUTE, received=NOON + MINUTE))
    site = stats.site(SITE)
    assert site is not None
    there = site.minutes[NOON // MINUTE].more
    held = sys.getrefcount(there)
    assert site.look(NOON // MINUTE + 1, NOON + MINUTE).number > 10_000
    assert sys.getrefcount(there) > held
    for _ in stats.sweep(NOON + 2 * HOUR):
        pass
    assert sys.getrefcount(there) <= held
