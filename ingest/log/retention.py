"""Which segments are too old to be kept."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from ingest.config import LONGEST_DAYS
from ingest.log.recovery import Segment
from ingest.log.segment import DAY_MS, SUFFIX, SegmentName


def expiry(newest: int, retention_days: int) -> int:
    """When a segment is to be deleted, in epoch milliseconds.

    Once its newest receipt is a day short of `retention_days` old. A segment holds the receipts of
    one UTC day, so nothing in it is older than `retention_days` then.
    """
    return newest + (retention_days - 1) * DAY_MS


def expired(segments: Iterable[Segment], now: int, retention_days: int) -> list[Segment]:
    """Segments whose time is over."""
    return [segment for segment in segments if expiry(segment.newest, retention_days) <= now]


def next_expiry(segments: Iterable[Segment], retention_days: int) -> int | None:
    """When the next of them is to be deleted; None when there is none."""
    return min((expiry(segment.newest, retention_days) for segment in segments), default=None)


def sweep(
    directory: Path, now: int, ending: str = SUFFIX, retention_days: int = LONGEST_DAYS
) -> None:
    """Delete what is too old where nobody writes; `now` in epoch milliseconds.

    With another ending: what was set aside of segments, and no segments.
    """
    for path in directory.glob(f"*{ending}"):
        name = SegmentName.parse(path.name.partition(".")[0] + SUFFIX)
        if name is not None and expiry(name.last_ms, retention_days) <= now:
            with contextlib.suppress(OSError):  # tried again soon
                path.unlink(missing_ok=True)
