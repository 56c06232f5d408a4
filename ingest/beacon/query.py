"""The query string of a pixel or a badge: what it gives, by the fields' long names."""

from collections.abc import Mapping
from typing import NamedTuple

from ingest.beacon.cut import cut, cut_text
from ingest.beacon.percent import decode_bytes

_AMPERSAND, _EQUALS, _PERCENT, _PLUS = b"&=%+"


class Given(NamedTuple):
    """What a ping gives, before it is checked."""

    values: Mapping[str, object]
    """By the fields' long names; what is empty or null is absent."""
    unknown: int
    """Fields that we do not know, dropped."""


def read_query(query: bytes, names: Mapping[str, str]) -> Given:
    """Read `a=1&b=2`, where `names` maps short names to long ones.

    Of a repeated parameter the first counts; an empty one is absent.
    """
    values: dict[str, object] = {}
    empty: set[str] = set()
    unknown = 0
    size = len(query)
    at = -1
    while at < size:
        begin = at = at + 1
        equals, escaped = -1, False
        while at < size:
            byte = query[at]
            if byte == _AMPERSAND:
                break
            if byte == _EQUALS and equals < 0:
                equals, escaped = at, False
            elif byte in (_PERCENT, _PLUS):
                escaped = True
            at += 1
        end = at if equals < 0 else equals
        raw = cut(query, begin, end)
        name = names.get(raw.decode("latin-1")) or names.get(decode_bytes(raw))
        if name is None:
            unknown += end > begin
        elif name not in values and name not in empty:
            if equals < 0 or equals + 1 == at:
                empty.add(name)
            elif escaped:
                values[name] = decode_bytes(cut(query, equals + 1, at))
            else:
                values[name] = cut_text(query, equals + 1, at)
    return tuple.__new__(Given, (values, unknown))
