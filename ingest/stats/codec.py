"""Windows as bytes: MessagePack, the members of sets as they lie in memory."""

from functools import partial
from typing import Any

from msgspec.msgpack import Decoder, Encoder

from ingest.stats.breakdown import Audience, shared
from ingest.stats.heavy_hitters import HeavyHitters, Hitter
from ingest.stats.uniques import Uniques
from ingest.stats.windows import Day, Hour, Kind, Minute, Window

VERSION = 2
"""Of what is written here; state of another version is made anew from the log.

Of days that the log does not hold any more only the numbers then stay; lists of pages, countries
and so on are lost: better read what the last version wrote.
"""


_pack = Encoder().encode
_unpack = Decoder(tuple).decode


class BadState(ValueError):
    """Bytes that no window was written to."""


def dump(window: Window) -> bytes:
    """Write a window down; its kind and start are to be kept beside it."""
    if isinstance(window, Minute):
        return _minute(window)
    parts = [window.views, window.engaged, _audience(window.audience)]
    if isinstance(window, Day):
        parts += [window.peak, window.peak_minute]
    return _pack(parts)


def load(kind: Kind, start: int, data: bytes) -> Window:
    """Read what `dump` wrote. Raises `BadState`."""
    try:
        parts = _unpack(data)
        if kind is Kind.MINUTE:
            return _load_minute(start, *parts)
        if kind is Kind.HOUR:
            return _load_hour(Hour(start), *parts)
        return _load_day(start, *parts)
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise BadState(f"unreadable {kind.name.lower()}: {type(error).__name__}") from None


def _minute(minute: Minute) -> bytes:
    sets = [minute.visitors.dump(), _uniques(minute.more), _uniques(minute.next_key)]
    return _pack([minute.views, minute.present, minute.weighed, *sets])


def _load_minute(
    start: int,
    views: int,
    present: dict[int, str],
    weighed: bool,
    viewers: bytes,
    more: bytes | None,
    next_key: bytes | None,
) -> Minute:
    made = Minute(start)
    made.views, made.present, made.weighed = views, present, weighed
    made.viewers = Uniques.load(viewers)
    made.more, made.next_key = _load_uniques(more), _load_uniques(next_key)
    return made


def _load_hour(made: Hour, views: int, engaged: float, audience: bytes) -> Hour:
    made.views, made.engaged = views, engaged
    made.read_later(partial(_load_audience, audience))
    return made


def _load_day(
    start: int, views: int, engaged: float, audience: bytes, peak: int, peak_minute: int
) -> Day:
    made = Day(start)
    made.views, made.engaged = views, engaged
    made.read_later(partial(_load_audience, audience))
    made.peak, made.peak_minute = peak, peak_minute
    return made


def _audience(audience: Audience) -> bytes:
    """Apart, for it is large, and read when it is asked for: some milliseconds at a time."""
    lists = None if audience.lists is None else [_hitters(each) for each in audience.lists]
    names = None if audience.names is None else _hitters(audience.names)
    return _pack([audience.rows, _uniques(audience.folded), lists, names])


def _load_audience(data: bytes) -> Audience:
    rows, folded, lists, names = _unpack(data)
    made = Audience()
    made.rows = [shared(row) for row in rows]
    made.folded = _load_uniques(folded)
    if lists is not None:
        made.lists = tuple(_load_hitters(*each) for each in lists)
    if names is not None:
        made.names = _load_hitters(*names)
    return made


def _hitters(hitters: HeavyHitters) -> list[object]:
    values = [
        (value, hitter.views, hitter.before, hitter.visitors.dump())
        for value, hitter in hitters.items()
    ]
    return [hitters.missing, values]


def _load_hitters(missing: int, values: Any) -> HeavyHitters:
    made = HeavyHitters()
    for value, views, before, visitors in values:
        made.put(value, Hitter(views, before, Uniques.load(visitors)))
    made.missing = missing
    return made


def _uniques(uniques: Uniques | None) -> bytes | None:
    return None if uniques is None else uniques.dump()


def _load_uniques(data: bytes | None) -> Uniques | None:
    return None if data is None else Uniques.load(data)
