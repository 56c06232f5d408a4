"""What is answered to pages, badge and API."""

import pytest

from ingest.stats import ranges
from ingest.stats.answers import Answers
from ingest.stats.delay import LATE, Lag
from ingest.stats.keeper import Keeper
from ingest.stats.queries import DAY, HOUR, MINUTE, By, Now, RangeError, Row, Step
from ingest.stats.site import Online
from ingest.stats.stats import Bounds
from ingest.stats.windows import Day, Hour
from tests.stats.support import MIDNIGHT, NOON, SITE, Clock, event


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keeper(tmp_path, clock):
    made = Keeper(tmp_path, Bounds(), clock)
    yield made
    made.close()


@pytest.fixture
def answers(keeper, clock):
    return Answers(keeper, Lag(), clock)


async def test_now_says_who_is_there_and_the_peak(keeper, answers, clock):
    await keeper.apply([event(NOON - HOUR, visitor=n) for n in range(3)])
    await keeper.apply([event(visitor=n) for n in range(2)])
    assert answers.now(SITE) == Now(SITE, 2, NOON, 3, NOON - HOUR, None, version=5)
    assert answers.online(SITE) == 2
    clock.now += 5 * MINUTE
    assert answers.online(SITE) == 0


async def test_of_an_unknown_site_nothing_is_known_and_nothing_kept(keeper, answers):
    assert answers.now("nobody") == Now("nobody", 0, NOON, 0, None, None)
    assert answers.version("nobody") == 0
    assert answers.pages_now("nobody") == ()
    points = await answers.series("nobody", NOON - HOUR, NOON, Step.HOUR)
    assert [(point.start, point.visitors) for point in points] == [(NOON - HOUR, 0)]
    assert (await answers.breakdown("nobody", NOON - HOUR, NOON, By.PAGE)).rows == ()
    assert keeper.stats.sites == {}


async def test_the_version_changes_with_each_event(keeper, answers):
    seen = {answers.version(SITE)}
    for _ in range(3):
        await keeper.apply([event(visitor=1)])
        seen.add(answers.version(SITE))
    assert len(seen) == 4


async def test_pages_now_are_those_seen_last(keeper, answers):
    await keeper.apply(
        [
            event(NOON - MINUTE, visitor=1, url="https://a.example/1"),
            event(visitor=1, url="https://a.example/2"),
            event(visitor=2, url="https://a.example/2"),
            event(visitor=3, url="https://a.example/1", name="heartbeat"),
            event(visitor=3, name="copy"),
        ]
    )
    assert answers.pages_now(SITE) == (Row("a.example/2", 0, 2), Row("a.example/1", 0, 1))
    assert answers.pages_now(SITE, 1) == (Row("a.example/2", 0, 2),)


@pytest.mark.parametrize(
    ("visitors", "milliseconds"), [(9_999, 0), (10_000, 1), (30_000, 3), (16_000_000, 200)]
)
async def test_a_large_number_is_good_for_a_moment(
    keeper, answers, clock, visitors: int, milliseconds: int
):
    """A millisecond for each 10,000 visitors, 200 at most; it says which counts it is of."""
    await keeper.apply([event(visitor=1)])
    site = keeper.stats.site(SITE)
    site.online = Online(clock.now // MINUTE, 0, visitors, clock.now)
    for _ in range(milliseconds):
        assert answers.online(SITE) == visitors
        assert answers.now(SITE).version == 0
        clock.now += 1
    assert answers.online(SITE) == 1
    assert answers.now(SITE).version == answers.version(SITE)


async def test_after_midnight_nobody_reads_twice(keeper, answers, clock):
    """The same ten have other numbers then; a straggler of before is numbered as after."""
    page, other = "https://a.example/1", "https://a.example/2"
    before = [event(MIDNIGHT - MINUTE, visitor=n, url=page) for n in range(10)]
    after = [event(MIDNIGHT, visitor=1_000 + n, url=other) for n in range(9)]
    straggler = event(MIDNIGHT - 1, visitor=1_009, received=MIDNIGHT + 5, url=other)
    clock.now = MIDNIGHT
    await keeper.apply([*before, *after])
    assert answers.online(SITE) == 10
    assert answers.pages_now(SITE) == (Row("a.example/1", 0, 10),)
    await keeper.apply([straggler])
    assert answers.pages_now(SITE) == (Row("a.example/2", 0, 9),)


async def test_minutes_hours_and_days_add_up(keeper, answers):
    await keeper.apply([event(NOON - n * MINUTE, visitor=n // 2) for n in range(60)])
    minutes = await answers.series(SITE, NOON - 59 * MINUTE, NOON + MINUTE, Step.MINUTE)
    hours = await answers.series(SITE, NOON - HOUR, NOON + HOUR, Step.HOUR)
    days = await answers.series(SITE, MIDNIGHT - DAY, MIDNIGHT + DAY, Step.DAY)
    assert [point.pageviews for point in minutes] == [1] * 60
    assert [point.pageviews for point in hours] == [59, 1]
    assert [point.visitors for point in hours] == [30, 1]
    assert [(point.pageviews, point.visitors) for point in days] == [(0, 0), (60, 30)]
    assert days[1].peak == 3


async def test_visitors_of_several_days_are_added(keeper, answers):
    await keeper.apply([event(NOON - n * DAY, country="DE") for n in range(3)])
    found = await answers.breakdown(SITE, MIDNIGHT - 2 * DAY, MIDNIGHT + DAY, By.COUNTRY)
    assert found.several_days
    assert found.rows == (Row("DE", 3, 3),)
    total = await answers.total(SITE, MIDNIGHT - 2 * DAY, MIDNIGHT + DAY)
    assert (total.pageviews, total.visitors) == (3, 3)


async def test_visitors_of_several_hours_of_a_day_are_united(keeper, answers):
    await keeper.apply([event(NOON - n * HOUR, country="DE") for n in range(3)])
    found = await answers.breakdown(SITE, NOON - HOUR, NOON + HOUR, By.COUNTRY)
    assert not found.several_days
    assert found.rows == (Row("DE", 2, 1),)


async def test_by_name_all_events_are_counted(keeper, answers):
    names = ("pageview", "pageview", "heartbeat", "copy", "leave", "bought")
    await keeper.apply([event(visitor=1, name=name) for name in names])
    found = await answers.breakdown(SITE, MIDNIGHT, MIDNIGHT + DAY, By.NAME)
    assert {row.value: row.pageviews for row in found.rows} == {
        "pageview": 2, "heartbeat": 1, "copy": 1, "leave": 1, "bought": 1,
    }  # fmt: skip


async def test_several_breakdowns_are_the_same_as_one_by_one(keeper, answers):
    visits = [
        event(NOON - n * HOUR, visitor=n % 5, country="DE" if n % 2 else "FR", os=f"os {n % 3}")
        for n in range(30)
    ]
    await keeper.apply([*visits, event(visitor=1, name="copy")])
    start, end = MIDNIGHT - DAY, MIDNIGHT + DAY
    limits = {By.COUNTRY: 100, By.OS: 2, By.NAME: 100}
    found = await answers.breakdowns(SITE, start, end, limits)
    assert [len(found[by].rows) for by in limits] == [2, 2, 2]
    for by, limit in limits.items():
        assert found[by] == await answers.breakdown(SITE, start, end, by, limit)


async def test_the_hours_are_put_together_once_for_all_breakdowns(keeper, answers, monkeypatch):
    await keeper.apply([event(NOON - n * HOUR, country="DE", os="Linux") for n in range(3)])
    taken = []

    class Watched(Day):
        def take(self, hour: Hour) -> None:
            taken.append(hour.start)
            super().take(hour)

    monkeypatch.setattr(ranges, "Day", Watched)
    await answers.breakdowns(SITE, MIDNIGHT, MIDNIGHT + DAY, dict.fromkeys(By, 10))
    assert taken == [(NOON - n * HOUR) // HOUR for n in (2, 1, 0)]
    taken.clear()
    await answers.series(SITE, MIDNIGHT, MIDNIGHT + DAY, Step.DAY)
    assert taken == []  # a series needs the visitors only


async def test_the_most_visitors_come_first_up_to_the_limit(keeper, answers):
    events = [event(visitor=n, country="DE") for n in range(3)]
    events += [event(visitor=9, country="FR") for _ in range(5)]
    await keeper.apply([*events, event(visitor=10, country="US")])
    found = await answers.breakdown(SITE, MIDNIGHT, MIDNIGHT + DAY, By.COUNTRY, 2)
    assert found.rows == (Row("DE", 3, 3), Row("FR", 5, 1))


@pytest.mark.parametrize(
    ("start", "end", "step", "why"),
    [
        (NOON - 2 * HOUR, NOON, Step.MINUTE, "minutes are kept for an hour"),
        (NOON - 3 * DAY, NOON, Step.HOUR, "hours are kept for 48"),
        (NOON, NOON + DAY, Step.DAY, "from and to must be whole days"),
        (NOON + 1, NOON + HOUR, Step.HOUR, "from and to must be whole hours"),
        (NOON, NOON - HOUR, Step.HOUR, "from is after to"),
        (0, 10_000 * DAY, Step.DAY, "a range has 2,000 days at most"),
    ],
)
async def test_what_is_not_kept_at_that_width_is_refused(answers, start, end, step, why):
    with pytest.raises(RangeError, match=f"^{why}$"):
        await answers.series(SITE, start, end, step)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOON - 3 * DAY, NOON),
        (MIDNIGHT - 20 * DAY, MIDNIGHT),
        (NOON - 1, NOON),
        (NOON, NOON - HOUR),
    ],
)
async def test_a_breakdown_is_of_kept_hours_or_whole_days(answers, start, end):
    with pytest.raises(RangeError):
        await answers.breakdown(SITE, start, end, By.PAGE)


async def test_a_range_may_end_in_the_future(keeper, answers):
    await keeper.apply([event(country="DE")])
    found = await answers.breakdown(SITE, MIDNIGHT - DAY, MIDNIGHT + 5 * DAY, By.COUNTRY)
    assert found.rows == (Row("DE", 1, 1),)


def test_a_delay_is_spoken_of_when_it_lasts():
    lag = Lag()
    lag.behind(NOON)
    assert lag.since is None
    lag.behind(NOON + LATE + 1)
    assert lag.since == NOON
    lag.behind(NOON + LATE + 1, NOON - HOUR)
    assert lag.since == NOON - HOUR
    lag.caught_up(NOON + HOUR)
    assert lag.since is None
