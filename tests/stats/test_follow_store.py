"""The store behind the server is counted, over restarts and damage."""

import asyncio
import contextlib
import logging
import sqlite3
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.log.position import BEGINNING
from ingest.stats import codec, state
from ingest.stats.answers import Answers
from ingest.stats.delay import Lag
from ingest.stats.keeper import Keeper
from ingest.stats.queries import DAY, HOUR, By, Step
from ingest.stats.sql import window_of
from ingest.stats.state import FILE
from ingest.stats.stats import Bounds
from ingest.stats.windows import Day, Kind
from tests.stats.store import Counted, append
from tests.stats.support import MIDNIGHT, NOON, SITE, Clock, event
from tests.stats.test_right import LAST, assert_right
from tests.stats.traffic import day
from tests.support.process import kill, spawn
from tests.support.server import clean_environment
from tests.support.store import flip, frames, segment_files
from tests.support.tmpfs import fill, small_disk
from tests.support.wait import until, until_async

ROOT = Path(__file__).parents[2]


def answers(counted: Counted) -> Answers:
    return Answers(counted.keeper, counted.follower.lag, counted.clock)


async def snapshot(counted: Counted) -> object:
    """Everything that can be asked about the one site."""
    asked = answers(counted)
    now = replace(asked.now(SITE), delayed_since=None, version=0)
    series = [
        await asked.series(SITE, NOON - 40 * HOUR, NOON + HOUR, Step.HOUR),
        await asked.series(SITE, MIDNIGHT - 5 * DAY, MIDNIGHT + DAY, Step.DAY),
        await asked.series(SITE, NOON - 30 * 60_000, NOON + 60_000, Step.MINUTE),
    ]
    tops = [await asked.breakdown(SITE, MIDNIGHT - DAY, MIDNIGHT + DAY, by) for by in By]
    return now, series, tops, asked.pages_now(SITE)


def visits(number: int = 600) -> list[bytes]:
    return [
        event(
            NOON - n * 90_000,
            visitor=n // 2,
            url=f"https://a.example/{n % 7}",
            country="DE",
            name="pageview" if n % 5 else "heartbeat",
        )
        for n in range(number)
    ]


async def test_counts_what_is_there_and_what_comes(tmp_path):
    append(tmp_path / "store", [event(visitor=1)])
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        assert answers(counted).online(SITE) == 1
        version = answers(counted).version(SITE)
        append(tmp_path / "store", [event(visitor=2)])
        await counted.all_counted()
        assert answers(counted).online(SITE) == 2
        assert answers(counted).version(SITE) != version
        assert counted.follower.lag.since is None


def is_saving(keeper: Keeper) -> bool:
    return keeper._upkeep is not None and not keeper._upkeep.done()


async def test_counting_goes_on_while_a_save_takes_long(tmp_path):
    append(tmp_path / "store", [event(visitor=0)])
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        writing = counted.keeper.state._writing
        await counted.keeper.save(counted.keeper.positions)
        writing.execute(f"PRAGMA busy_timeout = {10 * 60_000}")  # milliseconds
        before = counted.keeper.positions
        held = sqlite3.connect(tmp_path / "state" / FILE, isolation_level=None)
        with contextlib.closing(held) as disk:
            disk.execute("BEGIN IMMEDIATE")  # as a disk that is slow
            await until_async(lambda: is_saving(counted.keeper), what="a save to begin")
            for number in range(1, 10):
                append(tmp_path / "store", [event(visitor=number)])
                await counted.all_counted()
                assert answers(counted).online(SITE) == number + 1
            days = await answers(counted).series(SITE, MIDNIGHT - DAY, MIDNIGHT + DAY, Step.DAY)
            assert [day.visitors for day in days] == [0, 10]  # nor do pages wait
            assert is_saving(counted.keeper)
            assert counted.keeper.positions == before
            disk.execute("COMMIT")
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        assert answers(counted).online(SITE) == 10
        assert counted.keeper.stats.counts.counted == 0


async def test_a_stop_after_a_save_that_failed_does_not_go_on_without_its_changes(tmp_path):
    """Else the log would not be read again from where they are."""
    keeper = Keeper(tmp_path, Bounds(), Clock(), save_every=0.0)
    await keeper.apply([event(visitor=1)])
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute(
            "CREATE TRIGGER t BEFORE INSERT ON windows BEGIN SELECT RAISE(ABORT, 'damaged'); END"
        )
        keeper.when_due({"store": "1"})
        await until_async(lambda: not is_saving(keeper), what="the save to fail")
        connection.execute("DROP TRIGGER t")
    await keeper.apply([event(visitor=2, site="another.example")])
    await keeper.save({"store": "2"})
    keeper.close()
    again = Keeper(tmp_path, Bounds(), Clock())
    assert dict(again.positions) == {}
    again.close()


async def test_a_save_that_breaks_off_is_as_a_crash(tmp_path, monkeypatch):
    """What it took is counted again from the log, whatever the mistake was."""
    append(tmp_path / "store", [event(visitor=1)])
    tried: list[object] = []

    def broken(window: object) -> bytes:
        tried.append(window)
        raise MemoryError

    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        with monkeypatch.context() as patched:
            patched.setattr(codec, "dump", broken)
            append(tmp_path / "store", [event(visitor=2, site="another.example")])
            await counted.all_counted()
            await until_async(lambda: tried, what="a save to break off")
        append(tmp_path / "store", [event(visitor=3)])
        await counted.all_counted()
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        assert answers(counted).online(SITE) == 2
        assert answers(counted).online("another.example") == 1


async def test_a_damaged_part_is_stepped_over_and_shown(tmp_path):
    for visitor in range(3):
        append(tmp_path / "store", [event(visitor=visitor)])
    damaged = segment_files(tmp_path / "store")[1]
    flip(damaged, frames(damaged)[0].end - 1)
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        assert answers(counted).online(SITE) == 2
        assert counted.follower.damaged == 1


async def test_a_restart_neither_skips_nor_repeats(tmp_path):
    """Without ids to know duplicates by, a repetition would count."""
    append(tmp_path / "store", visits())
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        before = await snapshot(counted)
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        assert await snapshot(counted) == before
        assert counted.keeper.stats.counts.counted == 0
        append(tmp_path / "store", [event(visitor=10_000)])
        await counted.all_counted()
        assert counted.keeper.stats.counts.counted == 1


async def test_after_a_restart_hours_are_read_when_asked_for(tmp_path):
    """The first look at a large site must not hold up everything else for all of its hours."""
    append(tmp_path / "store", visits())
    async with Counted(tmp_path / "store", tmp_path / "state"):
        pass
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        assert answers(counted).now(SITE).now > 0
        site = counted.keeper.stats.site(SITE)
        assert site is not None
        assert len(site.hours) > 10
        assert not any(hour.is_read for hour in site.hours.values())
        append(tmp_path / "store", [event(visitor=10_000)])
        await counted.all_counted()
        assert [start for start, hour in site.hours.items() if hour.is_read] == [NOON // HOUR]


async def test_duplicates_are_known_after_a_restart(tmp_path):
    values = visits()
    append(tmp_path / "store", values)
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        before = await snapshot(counted)
    append(tmp_path / "store", values)
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        assert await snapshot(counted) == before
        assert counted.keeper.stats.counts.duplicates == len(values)


def no_state(state: Path) -> None:
    for file in state.iterdir():
        file.unlink()


def rubbish(state: Path) -> None:
    no_state(state)
    (state / FILE).write_bytes(b"no database" * 1_000)


def cut(state: Path) -> None:
    file = state / FILE
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def another_version(state: Path) -> None:
    with sqlite3.connect(state / FILE) as connection:
        connection.execute("UPDATE meta SET value = ?", (str(codec.VERSION + 1),))
    connection.close()


def flipped_bits(state: Path) -> None:
    with sqlite3.connect(state / FILE) as connection:
        connection.execute("UPDATE windows SET data = zeroblob(length(data))")
    connection.close()


def flipped_ids(state: Path) -> None:
    with sqlite3.connect(state / FILE) as connection:
        connection.execute("UPDATE ids SET data = zeroblob(length(data))")
    connection.close()


@pytest.mark.parametrize("damage", [another_version, flipped_bits, flipped_ids])
async def test_numbers_of_days_before_the_log_outlive_a_count_made_anew(
    tmp_path, damage: Callable[[Path], None]
):
    append(tmp_path / "store", visits())
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        before = await snapshot(counted)
    old = MIDNIGHT // DAY - 400
    with sqlite3.connect(tmp_path / "state" / FILE) as connection:
        connection.execute("INSERT INTO numbers VALUES (?, ?, 5, 3, 1.5, 2)", (SITE, old))
    connection.close()
    damage(tmp_path / "state")
    for _ in range(2):  # and it is on the disk
        async with Counted(tmp_path / "store", tmp_path / "state") as counted:

            async def counted_anew(counted: Counted = counted) -> bool:
                return await snapshot(counted) == before

            await until_async(counted_anew)
            (day,) = await answers(counted).series(SITE, old * DAY, (old + 1) * DAY, Step.DAY)
            assert (day.pageviews, day.visitors, day.engaged_seconds, day.peak) == (5, 3, 1.5, 2)
    assert [file.name for file in (tmp_path / "state").iterdir()] == [FILE]


@pytest.mark.parametrize("damage", [another_version, flipped_ids])
async def test_days_that_the_log_has_lost_keep_their_numbers(
    tmp_path, caplog, damage: Callable[[Path], None]
):
    """It is kept for less time than the counts are; of the day in which it begins it has a part."""
    values = [event(NOON - n * HOUR, visitor=n) for n in reversed(range(6 * 24))]
    append(tmp_path / "store", values[:60])
    lost = list((tmp_path / "store").iterdir())
    append(tmp_path / "store", values[60:])
    clock = Clock()

    async def days(counted: Counted) -> object:
        return await answers(counted).series(SITE, MIDNIGHT - 6 * DAY, MIDNIGHT + DAY, Step.DAY)

    async with Counted(tmp_path / "store", tmp_path / "state", clock) as counted:
        before = await days(counted)
    for file in lost:
        file.unlink()
    damage(tmp_path / "state")
    async with Counted(tmp_path / "store", tmp_path / "state", clock) as counted:
        keeper = counted.keeper
        await until_async(lambda: keeper.stats.counts.counted == len(values[60:]))
        assert await days(counted) == before
        clock.now += 30 * DAY
        for _ in range(3):
            await keeper.sweep()
            await keeper.save(keeper.positions)
        await keeper.sweep()
        assert await keeper.state.days(SITE, 0, 10**6) == []
        assert await days(counted) == before
    (said,) = [record for record in caplog.records if "counting anew" in record.message]
    assert said.fields["lost"].startswith("lists of pages")


@pytest.mark.parametrize(
    "damage", [no_state, rubbish, cut, another_version, flipped_bits, flipped_ids]
)
async def test_counts_that_cannot_be_read_are_made_anew_from_the_log(
    tmp_path, caplog, damage: Callable[[Path], None]
):
    caplog.set_level(logging.INFO)
    append(tmp_path / "store", visits())
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        before = await snapshot(counted)
    damage(tmp_path / "state")
    caplog.clear()
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:

        async def counted_anew() -> bool:
            return await snapshot(counted) == before

        await until_async(counted_anew)
    lines = [record.message for record in caplog.records if "counting" in record.message]
    assert len(lines) == 1


async def test_a_rebuild_gives_the_same_numbers_for_days_past(tmp_path):
    old = [event(NOON - n * HOUR, visitor=n, country="DE") for n in range(4 * 24)]
    append(tmp_path / "store", old)
    clock = Clock(NOON - 3 * DAY)
    async with Counted(tmp_path / "store", tmp_path / "state", clock) as counted:
        for _ in range(72):
            clock.now += HOUR
            await counted.keeper.sweep()
            await counted.keeper.save(counted.keeper.positions)
        before = await snapshot(counted)
    async with Counted(tmp_path / "store", tmp_path / "anew") as counted:
        assert await snapshot(counted) == before


async def test_a_day_that_is_saved_and_let_go_of_while_it_is_read_lacks_nothing(
    tmp_path, monkeypatch
):
    """What was being read is then older than what memory does not hold any more."""
    clock, read = Clock(MIDNIGHT - HOUR), state._read_day
    keeper = Keeper(tmp_path, Bounds(), clock)
    await keeper.apply([event(MIDNIGHT - 2 * HOUR, 1), event(MIDNIGHT - HOUR, 2)])
    for hours in (47, 48):  # one hour after the other becomes part of the day
        await keeper.save({})
        clock.now = MIDNIGHT + (hours - 1) * HOUR
        await keeper.sweep()
    reading, go_on = threading.Event(), threading.Event()

    def slowly(row: tuple[int, int, int, bytes]) -> Day:
        day = read(row)
        reading.set()
        assert go_on.wait(60)
        return day

    monkeypatch.setattr(state, "_read_day", slowly)
    asked = Answers(keeper, Lag(), clock)
    series = asyncio.ensure_future(asked.series(SITE, MIDNIGHT - DAY, MIDNIGHT, Step.DAY))
    await until_async(reading.is_set)
    await keeper.save({})
    site = keeper.stats.site(SITE)
    assert site is not None
    sweep = asyncio.ensure_future(keeper.sweep())
    await until_async(lambda: not site.days)
    go_on.set()
    (day,) = await series
    await sweep
    keeper.close()
    assert day.pageviews == 2


async def test_of_days_long_past_the_numbers_stay(tmp_path):
    append(tmp_path / "store", visits())
    clock = Clock()
    async with Counted(tmp_path / "store", tmp_path / "state", clock) as counted:
        asked = answers(counted)
        days = await asked.series(SITE, MIDNIGHT, MIDNIGHT + DAY, Step.DAY)
        clock.now += 30 * DAY
        for _ in range(3):
            await counted.keeper.sweep()
            await counted.keeper.save(counted.keeper.positions)
        await counted.keeper.sweep()
        assert counted.keeper.stats.sites == {}
        assert await counted.keeper.state.days(SITE, 0, 10**6) == []
        assert await asked.series(SITE, MIDNIGHT, MIDNIGHT + DAY, Step.DAY) == days
        assert days[0].visitors > 100


async def test_what_is_too_old_is_not_in_the_file_any_more(tmp_path):
    """A deleted row stays in a free page, and in the log of changes, unless it is overwritten."""
    word = "/a-page-that-somebody-read"
    append(
        tmp_path / "store",
        [event(NOON - n * HOUR, visitor=n, url=f"https://a.example{word}/{n}") for n in range(72)],
    )
    clock = Clock()

    def found() -> bool:
        files = (tmp_path / "state").iterdir()
        return any(word.encode() in file.read_bytes() for file in files)

    async with Counted(tmp_path / "store", tmp_path / "state", clock) as counted:
        await counted.keeper.save(counted.keeper.positions)
        assert found()
        clock.now += 30 * DAY
        for _ in range(3):
            await counted.keeper.sweep()
            await counted.keeper.save(counted.keeper.positions)
        await counted.keeper.sweep()
        assert not found()


async def test_a_visit_by_itself_is_kept_with_its_hour_and_not_longer(tmp_path):
    """By the low 24 bits of its visitor; also one that came late for an hour that was kept."""
    values = [event(NOON - n * HOUR, visitor=0xAB_000000 + n) for n in range(20)]
    append(tmp_path / "store", values)
    clock = Clock()

    async def saved(counted: Counted, kind: Kind) -> dict[int, list[int]]:
        await counted.keeper.save({})
        with contextlib.closing(sqlite3.connect(tmp_path / "state" / FILE)) as connection:
            rows = connection.execute("SELECT kind, start, sum, data FROM windows").fetchall()
        windows = [window_of(*row) for row in rows if row[0] == kind]
        return {each.start: [row[0] for row in each.audience.rows] for each in windows}

    async with Counted(tmp_path / "store", tmp_path / "state", clock) as counted:
        hours = await saved(counted, Kind.HOUR)
        assert {visitor for rows in hours.values() for visitor in rows} == set(range(20))
        before = await counted.keeper.state.days(SITE, 0, 10**6)
        assert all(day.views == 0 for day in before)
        clock.now += 3 * DAY
        append(tmp_path / "store", [event(NOON, visitor=0xAB_000000, received=clock.now)])
        await counted.all_counted()
        await counted.keeper.sweep()
        assert await saved(counted, Kind.DAY) == {MIDNIGHT // DAY - 1: [], MIDNIGHT // DAY: []}
        assert await saved(counted, Kind.HOUR) == {}
        total = await answers(counted).total(SITE, MIDNIGHT - DAY, MIDNIGHT + DAY)
        assert (total.pageviews, total.visitors) == (21, 20)


async def test_a_full_disk_keeps_days_that_are_to_become_numbers(tmp_path, caplog):
    append(tmp_path / "store", visits())
    clock = Clock()
    with small_disk(tmp_path / "disk", 2 * 1024 * 1024) as disk:
        async with Counted(tmp_path / "store", disk / "state", clock) as counted:
            keeper = counted.keeper
            days = await answers(counted).series(SITE, MIDNIGHT, MIDNIGHT + DAY, Step.DAY)
            clock.now += 10 * DAY
            for _ in range(3):
                await keeper.sweep()
                await keeper.save(keeper.positions)
            clock.now += 20 * DAY
            with contextlib.closing(sqlite3.connect(disk / "state" / FILE)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            fill(disk / "ballast")
            await keeper.sweep()
            assert "counts cannot be saved" in caplog.messages
            assert keeper.state.damage is None
            assert await keeper.state.days(SITE, 0, 10**6)
            (disk / "ballast").unlink()
            await keeper.sweep()
            assert await keeper.state.days(SITE, 0, 10**6) == []
            assert await keeper.state.numbers(SITE, 0, 10**6)
            assert await answers(counted).series(SITE, MIDNIGHT, MIDNIGHT + DAY, Step.DAY) == days
    assert not any("counting anew" in message for message in caplog.messages)


async def test_what_cannot_be_read_now_is_read_later(tmp_path, caplog):
    """Nothing is deleted, and what was counted meanwhile does not overwrite what was saved."""
    append(tmp_path / "store", visits())
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        before = await snapshot(counted)
    renamed = "ALTER TABLE {} RENAME TO {}".format
    async with Counted(tmp_path / "store", tmp_path / "state") as counted:
        with contextlib.closing(sqlite3.connect(tmp_path / "state" / FILE)) as connection:
            connection.execute(renamed("windows", "away"))
            append(tmp_path / "store", [event(visitor=10_000)])
            said = "saved counts cannot be read now: trying again"
            await until_async(lambda: said in caplog.messages)
            connection.execute(renamed("away", "windows"))

        async def all_there() -> bool:
            return await snapshot(counted) != before and counted.keeper.state.damage is None

        await until_async(all_there)
        await counted.all_counted()
        after = await snapshot(counted)
    async with Counted(tmp_path / "store", tmp_path / "anew") as counted:
        assert await snapshot(counted) == after
    assert not any("counting anew" in message for message in caplog.messages)


async def test_sites_that_nobody_asks_for_after_a_restart_grow_old_as_well(tmp_path):
    append(tmp_path / "store", visits())
    clock = Clock()
    async with Counted(tmp_path / "store", tmp_path / "state", clock) as counted:
        days = await answers(counted).series(SITE, MIDNIGHT, MIDNIGHT + DAY, Step.DAY)
    clock.now += 30 * DAY
    async with Counted(tmp_path / "store", tmp_path / "state", clock) as counted:
        for _ in range(3):
            await counted.keeper.sweep()
            await counted.keeper.save(counted.keeper.positions)
        rows = sqlite3.connect(tmp_path / "state" / FILE).execute("SELECT * FROM windows")
        assert rows.fetchall() == []
        found = await answers(counted).series(SITE, MIDNIGHT, MIDNIGHT + DAY, Step.DAY)
        assert found == days


async def test_sites_beyond_the_bound_grow_old_as_well(tmp_path):
    """Such as a flood of invented names from before a restart."""
    append(tmp_path / "store", [event(site=f"invented-{n}", visitor=n) for n in range(20)])
    clock = Clock()
    async with Counted(tmp_path / "store", tmp_path / "state", clock):
        pass
    clock.now += 30 * DAY
    append(tmp_path / "store", [event(clock.now, site="busy")])
    bounds = Bounds(sites=1)
    async with Counted(tmp_path / "store", tmp_path / "state", clock, bounds) as counted:
        keeper = counted.keeper
        for _ in range(3):
            await keeper.sweep()
            await keeper.save(keeper.positions)
        await keeper.sweep()
        assert list(keeper.stats.sites) == ["busy"]
        with contextlib.closing(sqlite3.connect(tmp_path / "state" / FILE)) as connection:
            rows = connection.execute("SELECT DISTINCT site FROM windows").fetchall()
            old = connection.execute("SELECT count(*), sum(visitors) FROM numbers").fetchall()
        assert rows == [("busy",)]
        assert old == [(20, 20)]


@pytest.mark.timeout(600)
@pytest.mark.slow
async def test_killed_and_restarted_ten_times_with_duplicates_it_counts_right(tmp_path):
    events, truth = day()
    repeated = [value for number, value in enumerate(events) if number % 20 == 0]
    append(tmp_path / "store", events[: len(events) // 2] + repeated[: len(repeated) // 2])
    append(tmp_path / "store", events[len(events) // 2 :] + repeated)
    (tmp_path / "state").mkdir()
    kills = 0
    while not run_reader(tmp_path, f"out-{kills}", to_the_end=kills >= 10):
        kills += 1
    assert kills >= 10
    async with Counted(tmp_path / "store", tmp_path / "state", Clock(LAST)) as counted:
        assert counted.follower.position > BEGINNING
        assert counted.keeper.stats.counts.counted == 0
        assert_right(counted.keeper.stats, truth)


def run_reader(directory: Path, name: str, to_the_end: bool) -> bool:
    """Count the store in a process of its own, killed after its first save, or not.

    Returns whether it came to the end.
    """
    output = directory / name
    words = [str(directory / "store"), str(directory / "state"), str(LAST)]
    process = spawn(
        [sys.executable, "-m", "tests.stats.reader_process", *words],
        env={**clean_environment(), "PYTHONPATH": str(ROOT)},
        stdout=output,
        stderr=output.with_suffix(".err"),
    )
    last_word = "done" if to_the_end else "saved"
    try:
        until(lambda: last_word in output.read_text() or process.poll() is not None, 300)
    finally:
        code = process.poll()
        kill(process)
    assert code in (None, 0), output.with_suffix(".err").read_text()
    return "done" in output.read_text()
