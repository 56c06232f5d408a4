"""Ranges of time as an operator writes them."""

import pytest

from ingest.stats.queries import DAY, HOUR, MINUTE, Step
from ingest.stats_range import RANGES, Range, read_range
from tests.stats.support import MIDNIGHT

NOW = MIDNIGHT + 12 * HOUR + 34 * MINUTE + 56_789
"""2024-11-24 12:34:56.789 UTC."""
HOUR_NOW = MIDNIGHT + 12 * HOUR


@pytest.mark.parametrize(
    ("text", "start", "end", "step"),
    [
        ("today", MIDNIGHT, MIDNIGHT + DAY, Step.HOUR),
        ("yesterday", MIDNIGHT - DAY, MIDNIGHT, Step.HOUR),
        ("1m", NOW // MINUTE * MINUTE, NOW // MINUTE * MINUTE + MINUTE, Step.MINUTE),
        ("24h", HOUR_NOW - 23 * HOUR, HOUR_NOW + HOUR, Step.HOUR),
        ("7d", MIDNIGHT - 6 * DAY, MIDNIGHT + DAY, Step.DAY),
        ("2024-11-24", MIDNIGHT, MIDNIGHT + DAY, Step.DAY),
        ("2024-11-20..2024-11-22", MIDNIGHT - 4 * DAY, MIDNIGHT - DAY, Step.DAY),
    ],
)
def test_a_range_is_read(text, start, end, step):
    assert read_range(text, NOW) == Range(start, end, step)


@pytest.mark.parametrize("text", ["", "7", "0d", "d", "7w", "TODAY", "99999d", "2024-11-24..",
                                  "2024-11-24..2024-11-23", "7d\n", "٧d"])  # fmt: skip
def test_what_is_none_is_refused_with_what_may_be_written(text):
    with pytest.raises(ValueError, match="is none of") as refused:
        read_range(text, NOW)
    assert RANGES in str(refused.value)


def test_a_day_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="2023-02-29 is no date"):
        read_range("2023-02-29", NOW)


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("today", True),
        ("yesterday", True),
        ("48h", True),
        ("49h", False),
        ("20d", True),
        ("21d", False),
        ("30m", False),
        ("2024-11-05", True),
        ("2024-11-04", False),
    ],
)
def test_it_says_whether_lists_are_kept(text, listed):
    """As the API does: tests/serve/test_stats_command.py asks it for each of these."""
    assert read_range(text, NOW).is_listed(NOW) is listed


def test_hours_that_begin_at_midnight_and_last_until_now_are_days():
    past_midnight = NOW // DAY * DAY + 1
    assert read_range("49h", past_midnight).is_listed(past_midnight)
    assert not read_range("50h", past_midnight).is_listed(past_midnight)
