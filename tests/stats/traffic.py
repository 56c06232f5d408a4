"""A day of visitors, and what a plain set of Python's says about them."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from ingest.stats.queries import DAY, HOUR, MINUTE, By
from tests.stats.support import MIDNIGHT, event

FULL = os.environ.get("FAULTS") == "full"
"""The whole of it, as `make test-faults` runs it."""
VISITORS = 1_000_000 if FULL else 200_000
SITES = 100
COLUMNS: dict[By, tuple[str, ...]] = {
    By.COUNTRY: ("DE", "FR", "US", "GB", "BR"),
    By.PAGE: tuple(f"shop.example/{number}" for number in range(20)),
    By.REFERRER: ("news.example", "search.example", "friend.example"),
    By.BROWSER: ("Firefox", "Chrome", "Safari"),
    By.OS: ("Linux", "Android", "iOS"),
    By.DEVICE: ("desktop", "mobile"),
}
"""What a visitor may come with: so few that no list is cut."""
_WINDOW = 5 * MINUTE


@dataclass
class Truth:
    """Counted with plain sets."""

    views: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By site and hour."""
    hours: dict[tuple[str, int], set[int]] = field(default_factory=lambda: defaultdict(set))
    days: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    values: dict[tuple[str, By, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    """Visitors by site and value of a column."""
    value_views: Counter[tuple[str, By, str]] = field(default_factory=Counter)
    now: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """In the last five minutes of the day."""


def day(visitors: int = VISITORS, seed: int = 1) -> tuple[list[bytes], Truth]:
    """Events in the order of their time, and the truth. Sites differ in size; some visit twice."""
    random, truth = Random(seed), Truth()
    weights = [1 / (rank + 1) for rank in range(SITES)]
    sites = [f"site-{number}" for number in random.choices(range(SITES), weights, k=visitors)]
    times = sorted(random.randrange(DAY) for _ in range(visitors))
    return list(_events(sites, times, random, truth)), truth


def _events(sites: list[str], times: list[int], random: Random, truth: Truth) -> Iterator[bytes]:
    earlier: dict[str, int] = {}
    for site, time in zip(sites, times, strict=True):
        visitor = random.getrandbits(32)
        if random.random() < 0.1:
            visitor = earlier.get(site, visitor)
        earlier[site] = visitor
        chosen = {by: random.choice(values) for by, values in COLUMNS.items()}
        truth.views[site, time // HOUR] += 1
        truth.hours[site, time // HOUR].add(visitor)
        truth.days[site].add(visitor)
        for by, value in chosen.items():
            truth.values[site, by, value].add(visitor)
            truth.value_views[site, by, value] += 1
        if time >= DAY - _WINDOW:
            truth.now[site].add(visitor)
        yield event(
            MIDNIGHT + time,
            visitor,
            site=site,
            url=f"https://{chosen[By.PAGE]}",
            referrer=f"https://{chosen[By.REFERRER]}/",
            country=chosen[By.COUNTRY],
            browser=chosen[By.BROWSER],
            os=chosen[By.OS],
            device=chosen[By.DEVICE],
            id=str(UUID(int=random.getrandbits(128))),
        )
