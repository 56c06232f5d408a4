"""A day in numbers: what remains of it in the end."""

from typing import NamedTuple

from ingest.stats.windows import Day


class Numbers(NamedTuple):
    """`day` is counted from the epoch."""

    day: int
    views: int
    visitors: int
    engaged: float
    """Seconds."""
    peak: int


def numbers_of(day: Day) -> Numbers:
    """What remains of a day whose hours are all part of it."""
    visitors = day.audience.visitors.count
    return Numbers(day.start, day.views, visitors, day.engaged, day.peak)
