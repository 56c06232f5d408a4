"""Ranges of time as an operator writes them: `today`, `24h`, `7d`, `2026-11-01..2026-11-07`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ingest.stats.queries import DAY, DAYS_KEPT, HOUR, HOURS_KEPT, Step, are_whole_days

RANGES: Final = "today, yesterday, 30m, 24h, 7d, a UTC date, or two dates as FROM..TO"
"""What may be written; `m`, `h` and `d` with any number, the current one included."""
_LAST = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_DATES = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.\.([0-9]{4}-[0-9]{2}-[0-9]{2}))?")
_STEPS: Final = {step.name[0].lower(): step for step in Step}


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` (inclusive) to `end` (exclusive), in epoch milliseconds."""

    start: int
    end: int
    step: Step
    """How wide its rows are, where nothing else is asked for."""

    def is_listed(self, now: int) -> bool:
        """Whether values are kept of it: whole hours of the last 48, whole days of the last 20."""
        if are_whole_days(self.start, self.end, now):
            return self.start >= (now // DAY - DAYS_KEPT + 1) * DAY
        return self.step is Step.HOUR and self.start >= (now // HOUR - HOURS_KEPT + 1) * HOUR


def read_range(text: str, now: int) -> Range:
    """Read it, `now` being epoch milliseconds. Raises `ValueError`."""
    if text in ("today", "yesterday"):
        midnight = now // DAY * DAY - (DAY if text == "yesterday" else 0)
        return Range(midnight, midnight + DAY, Step.HOUR)
    if (last := _LAST.fullmatch(text)) is not None:
        step = _STEPS[last[2]]
        end = (now // step + 1) * step
        return Range(end - int(last[1]) * step, end, step)
    if (dates := _DATES.fullmatch(text)) is not None:
        first = _midnight(dates[1])
        end = _midnight(dates[2] or dates[1]) + DAY
        if first < end:
            return Range(first, end, Step.DAY)
    raise ValueError(f"is none of {RANGES}")


def _midnight(date: str) -> int:
    try:
        return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        raise ValueError(f"{date} is no date") from None
