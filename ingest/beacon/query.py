"""The query string of a pixel or a badge: what it gives, by the fields' long names."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ingest.beacon import raw
from ingest.beacon.cut import cut
from ingest.beacon.percent import decode_bytes, decoded
from ingest.beacon.scan import escaped, same

_AMPERSAND, _EQUALS = b"&="
_LAST_SLOT = 255
_NO_NAME = 255


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
    for pair in query.split(b"&"):
        short, _, value = pair.partition(b"=")
        name = names.get(decode_bytes(short))
        if name is None:
            unknown += short != b""
        elif name not in values and name not in empty:
            if value:
                values[name] = decode_bytes(value)
            else:
                empty.add(name)
    return Given(values, unknown)


class QueryReader:
    """Reads queries by a few known names, in place: a quarter of `read_query`'s time."""

    __slots__ = ("_factor", "_names", "_slots", "unknown")

    def __init__(self, names: Sequence[str]) -> None:
        """The values are given in the order of `names`; an empty name is none."""
        self._names = tuple(name.encode() for name in names)
        self._factor, self._slots = _told_apart(self._names)
        self.unknown = 0
        """Fields of the last query that we do not know."""

    def read(self, query: bytes) -> list[object]:
        """Return the values, decoded but not yet known to be UTF-8; None where there is none."""
        values: list[object] = [None] * len(self._names)
        seen = unknown = at = 0
        while at < len(query):
            end = raw.find(query, at, len(query), _AMPERSAND)
            equals = raw.find(query, at, end, _EQUALS)
            number = self._number_of(query, at, equals)
            if number < 0:
                unknown += equals > at
            elif not seen >> number & 1:
                seen |= 1 << number
                if equals + 1 < end:
                    values[number] = _value(query, equals + 1, end)
            at = end + 1
        self.unknown = unknown
        return values

    def _number_of(self, query: bytes, begin: int, end: int) -> int:
        """Which name stands there, perhaps escaped; −1 when it is none of ours."""
        number = self._number(query, begin, end)
        if number < 0 and escaped(query, begin, end):
            name = decoded(query, begin, end)
            number = self._number(name, 0, len(name))
        return number

    def _number(self, query: bytes, begin: int, end: int) -> int:
        """Which name stands there; −1 when it is none of ours."""
        size = end - begin
        if size <= 0:
            return -1
        number = self._slots[_slot(query[begin], query[end - 1], size, self._factor)]
        if number >= len(self._names):
            return -1
        return number if same(query, begin, end, self._names[number]) else -1


def _value(query: bytes, begin: int, end: int) -> bytes:
    if escaped(query, begin, end):
        return decoded(query, begin, end)
    return cut(query, begin, end)


def _slot(first: int, last: int, size: int, factor: int) -> int:
    return (first * factor + last + size) & _LAST_SLOT


def _told_apart(names: Sequence[bytes]) -> tuple[int, bytes]:
    """A factor with which no two names have the same slot, and the slots' numbers."""
    known = [(name, number) for number, name in enumerate(names) if name]
    for factor in range(1, 256):
        slots = {_slot(name[0], name[-1], len(name), factor): number for name, number in known}
        if len(slots) == len(known):
            return factor, bytes(slots.get(slot, _NO_NAME) for slot in range(_LAST_SLOT + 1))
    raise ValueError("the names cannot be told apart by first, last and length")
