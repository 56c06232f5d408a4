"""Counting alone, without the log: from the event's bytes on, beside plain sets of Python's."""

import gc
import os
import resource
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks import cpu
from benchmarks.alone import collect_seldom
from benchmarks.log_events import NOON, of_a_day, of_an_hour
from benchmarks.plain_counts import PlainCounts
from ingest.stats.queries import HOUR, MINUTE
from ingest.stats.stats import Stats


class Rate(NamedTuple):
    """Counting one mix of sites."""

    sites: int
    events: int
    bytes: int
    """Of an event, on average."""
    per_second: float
    """Events counted in a second of one core."""
    plain_per_second: float
    """The same with plain sets."""
    now_microseconds: float
    """Asking for the number online of the largest site."""
    plain_now_microseconds: float
    """The same of plain sets."""
    known_microseconds: float
    """Asking again before something changed, as most badges do."""
    lookup_microseconds: float
    """Looking a number up in a dictionary of the sites."""

    @property
    def ratio(self) -> float:
        """Events counted for each that plain sets count in the same time."""
        return self.per_second / self.plain_per_second


class Memory(NamedTuple):
    """Sites with ten visitors each in a day, breakdowns included."""

    sites: int
    bytes_per_site: float
    most_resident: int
    """Bytes of the process at its largest, all included."""
    plain_sites: int
    plain_bytes_per_site: float
    """With plain sets."""


def rate(sites: int, events: int, seed: int) -> Rate:
    """Count events of an hour, spread evenly over the sites."""
    values = list(of_an_hour(events, sites, seed))
    stats, plain = Stats(NOON), PlainCounts()
    collect_seldom()
    took = _seconds(stats.apply, values)
    assert stats.counts.counted == events
    collect_seldom()
    plain_took = _seconds(plain.apply, values)
    largest = max(stats.sites.values(), key=lambda site: site.version)
    minute, numbers = NOON // MINUTE - 1, dict.fromkeys(stats.sites, 7)
    assert largest.now(minute) == plain.now(largest.name, minute)
    largest.look(minute, NOON)
    return Rate(
        sites,
        events,
        sum(map(len, values)) // events,
        events / took,
        events / plain_took,
        _microseconds(lambda: largest.now(minute), 50),
        _microseconds(lambda: plain.now(largest.name, minute), 50),
        _microseconds(lambda: _known(stats, largest.name, minute), 50_000),
        _microseconds(lambda: numbers[largest.name], 50_000),
    )


def _known(stats: Stats, name: str, minute: int) -> int:
    """As `Answers.online` does where nothing changed."""
    site = stats.site(name)
    assert site is not None
    known = site.online
    assert known is not None
    assert (known.minute, known.version) == (minute, site.version)
    return known.number


def _seconds(apply: Callable[[bytes], None], values: Sequence[bytes]) -> float:
    began = time.process_time()  # of this process: others' work on the machine disturbs it least
    for value in values:
        apply(value)
    return time.process_time() - began


def _microseconds(ask: Callable[[], int], times: int) -> float:
    """The least of five, for others run at the same time."""
    found = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(times):
            ask()
        found.append((time.perf_counter() - began) / times * 1e6)
    return min(found)


def memory_of(sites: int) -> tuple[float, int]:
    """Bytes a site, of which each has ten visitors, over the day's hours, in the order of time.

    And those of the process at its largest.
    """
    stats = Stats(NOON - 12 * HOUR)
    collect_seldom()
    before = _size()
    for number, (at, value) in enumerate(of_a_day(sites)):
        stats.advance(at)
        stats.apply(value)
        if number % 50_000 == 0:  # as the reader of the log does every minute
            list(stats.sweep(at))
            stats.take_changes()
    stats.take_changes()
    gc.collect()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return (_size() - before) / sites, most


def plain_memory_of(sites: int) -> float:
    """The same of plain sets."""
    plain = PlainCounts()
    collect_seldom()
    before = _size()
    for _, value in of_a_day(sites):
        plain.apply(value)
    gc.collect()
    return (_size() - before) / sites


def _size() -> int:
    return cpu.resident(os.getpid())
