"""What a save writes is of one moment, though counting goes on while it is written down."""

import gc
import weakref
from random import Random
from typing import Any

import pytest

from ingest.stats import codec
from ingest.stats.queries import HOUR, MINUTE, By
from ingest.stats.snapshot import Snapshot
from ingest.stats.sql import Key, Saved
from ingest.stats.stats import Stats
from ingest.stats.windows import Kind
from tests.stats.support import NOON, event

NAMES = ("pageview",) * 6 + ("heartbeat", "leave", "bought")
SITES = ("a", "b", "c")
Event = tuple[int, bytes]


def visits(random: Random, late: bool) -> list[Event]:
    """Over the turn of an hour, with when they were received; some repeated."""
    made: list[Event] = []
    for number in range(1_200):
        at = NOON - 8 * MINUTE + 16 * MINUTE * number // 1_200
        name = random.choice(NAMES)
        fields = {"engaged_seconds": 1.5} if name == "leave" else {}
        value = event(
            at - (random.choice((0, 2 * MINUTE)) if late else 0),
            random.randrange(40),
            received=at,
            name=name,
            site=random.choice(SITES),
            url=f"https://a.example/{random.randrange(5)}",
            browser=random.choice(("Firefox", "Chrome")),
            **fields,
        )
        made.append((at, value))
        if random.random() < 0.1:
            made.append((at, random.choice(made)[1]))
    return made


def count(stats: Stats, events: list[Event]) -> None:
    for at, value in events:
        stats.advance(at)
        stats.apply(value)


class Disk:
    """What was saved."""

    def __init__(self) -> None:
        self._windows: dict[Key, bytes] = {}
        self._ids: dict[tuple[int, int], bytes] = {}

    def write(self, saved: Saved) -> None:
        for key, data in saved.windows.items():
            assert data is not None
            self._windows[key] = data
        for block, hour, marks in saved.ids:
            self._ids[block, hour] = self._ids.get((block, hour), b"") + marks

    def restored(self) -> Stats:
        stats = Stats(NOON)
        for (name, kind, start), data in sorted(self._windows.items()):  # as SQL has them
            site = stats.site(name, make=True)
            assert site is not None
            site.restore(codec.load(Kind(kind), start, data))
        for (block, hour), marks in sorted(self._ids.items()):
            stats.duplicates.restore(block, hour, marks)
        return stats


def numbers(stats: Stats, peaks: bool) -> dict[str, Any]:
    """All that is told of each site."""
    end = (NOON + 8 * MINUTE) // MINUTE
    return {
        name: {
            "now": site.now(end),
            "peak": site.peak(end) if peaks else None,
            "minutes": {
                start: (minute.views, minute.visitors.count)
                for start, minute in sorted(site.minutes.items())
            },
            "hours": {
                start: (
                    hour.views,
                    hour.engaged,
                    hour.audience.visitors.count,
                    {
                        (by, value, hitter.views, hitter.visitors.count)
                        for by in By
                        for value, hitter in hour.audience.top(by).items()
                    },
                )
                for start, hour in sorted(site.hours.items())
            },
        }
        for name, site in sorted(stats.sites.items())
    }


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_killed_after_any_save_and_read_on_it_is_as_if_nothing_had_happened(seed: int, late: bool):
    """But for peaks of who came late, which depend on when minutes are looked at."""
    random = Random(seed)
    events = visits(random, late)
    right = Stats(NOON)
    count(right, events)
    stats, disk, done = Stats(NOON), Disk(), 0
    while done < len(events):
        some = random.randrange(200)
        count(stats, events[done : done + some])
        done += some
        taken, snapshot = done, Snapshot(stats, {})
        for _ in snapshot.write_down():  # an event is counted between any two windows, or more
            more = random.choice((0, 1, 1, 10))
            count(stats, events[done : done + more])
            done += more
            if random.random() < 0.1 and (site := stats.site(random.choice(SITES))):
                site.peak(NOON // MINUTE)  # as a page asks
        disk.write(snapshot.saved)
        again = disk.restored()
        count(again, events[taken:])
        assert numbers(again, not late) == numbers(right, not late)
    assert numbers(stats, not late) == numbers(right, not late)


def test_a_minute_dropped_and_begun_again_is_saved_though_it_changes_first() -> None:
    """As it may where the counts catch up: who asks between the two has it written at once."""
    stats, late = Stats(NOON), NOON + 2 * HOUR
    count(stats, [(NOON, event(NOON, 1, site="a"))])
    for _ in stats.sweep(late):
        pass
    count(stats, [(late, event(NOON, 2, site="a"))])
    snapshot = Snapshot(stats, {})
    count(stats, [(late, event(NOON, 3, site="a"))])
    for _ in snapshot.write_down():
        pass
    data = snapshot.saved.windows["a", int(Kind.MINUTE), NOON // MINUTE]
    assert data is not None
    saved = codec.load(Kind.MINUTE, NOON // MINUTE, data)
    assert saved.views == 1


def test_others_may_run_between_any_two_windows_that_were_dropped() -> None:
    stats = Stats(NOON)
    count(stats, [(NOON, event(NOON, 1, site=f"s{number}")) for number in range(3)])
    for _ in stats.sweep(NOON + 2 * HOUR):
        pass
    snapshot = Snapshot(stats, {})
    written = snapshot.write_down()
    for number in range(1, 4):
        next(written)
        assert len(snapshot.saved.windows) == number


def test_what_was_written_down_is_not_kept_until_the_next_save() -> None:
    """With many sites it is hundreds of megabytes."""
    stats = Stats(NOON)
    count(stats, [(NOON, event(NOON, 1))])
    snapshot = Snapshot(stats, {})
    for _ in snapshot.write_down():
        pass
    kept = weakref.ref(snapshot)
    del snapshot
    gc.collect()
    assert kept() is None
