"""Which segments are too old to be kept."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from ingest.log.files import OsFiles
from ingest.log.recovery import Segment, segment_names
from ingest.log.segment import DAY_MS

LONGEST_DAYS = 20
"""Days that an event is kept at most, as the privacy policy promises."""


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


def sweep(directory: Path, now: int, retention_days: int = LONGEST_DAYS) -> None:
    """Delete what is too old in a directory that nobody writes to; `now` in epoch milliseconds."""
    if not directory.is_dir():
        return
    for name in segment_names(OsFiles(), directory):
        if expiry(name.last_ms, retention_days) <= now:
            with contextlib.suppress(OSError):  # tried again soon
                (directory / name.file).unlink(missing_ok=True)
