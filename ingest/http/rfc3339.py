"""Times as the API reads and writes them (RFC 3339)."""

import re
from datetime import UTC, datetime, timedelta

_SHAPE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+ -])([0-9]{2}):([0-5][0-9]))"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _MILLISECOND
"""The end of it can still be written, whatever is added to it within a day."""


def read_time(text: str) -> int:
    """Return epoch milliseconds; what is finer is cut. Raises `ValueError` for anything else.

    A space may stand for the `+` of an offset: that is what a `+` in an address means.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError("is no time such as 2026-01-31T12:00:00Z")
    date, clock, fraction, sign, hours, minutes = match.groups()
    try:
        time = datetime.fromisoformat(f"{date}T{clock}+00:00")
    except ValueError:
        raise ValueError("is a time that does not exist") from None
    if sign is not None and int(hours) > 23:
        raise ValueError("is a time that does not exist")
    offset = 60_000 * (60 * int(hours) + int(minutes)) if sign is not None else 0
    whole = (time - _EPOCH) // _MILLISECOND - (-offset if sign == "-" else offset)
    if not 0 <= whole <= _LAST:
        raise ValueError("must lie between 1970 and 9999")
    return whole + int((fraction or "0").ljust(3, "0")[:3])


def write_time(milliseconds: int) -> str:
    """Return `2026-01-31T12:00:00.000Z`."""
    time = _EPOCH + milliseconds * _MILLISECOND
    return f"{time:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
