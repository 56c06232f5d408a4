"""The query string of a pixel or a badge: what it gives, by the fields' long names."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ingest.beacon.cut import cut
from ingest.beacon.percent import decoded

_AMPERSAND, _EQUALS, _PERCENT, _PLUS = b"&=%+"
_LAST_SLOT = 255
_NO_NAME = 255


class Given(NamedTuple):
    """What a ping gives, before it is checked."""

    values: Mapping[str, object]
    """By the fields' long names; what is empty or null is absent."""
    unknown: int
    """Fields that we do not know, dropped."""


class Pairs:
    """Goes through the pairs of `a=1&b=2`."""

    __slots__ = ("_at", "_begin", "_end", "_equals", "_name_escaped", "_query", "_value_escaped")

    def __init__(self) -> None:
        self.start(b"")

    def start(self, query: bytes) -> None:
        """Begin with another query."""
        self._query = query
        self._at = -1
        self._begin = self._equals = self._end = 0
        self._name_escaped = self._value_escaped = False

    def next(self) -> bool:
        """Go on to the next pair, and return whether there is one."""
        query, at = self._query, self._at
        size = len(query)
        if at >= size:
            return False
        self._begin = at = at + 1
        equals, name_escaped, escaped = -1, False, False
        while at < size:
            byte = query[at]
            if byte > _EQUALS:  # no letter is one of the four, as one look tells
                pass
            elif byte == _AMPERSAND:
                break
            elif byte == _EQUALS and equals < 0:
                equals, name_escaped, escaped = at, escaped, False
            elif byte in (_PERCENT, _PLUS):
                escaped = True
            at += 1
        if equals < 0:
            equals, name_escaped = at, escaped
        self._at = self._end = at
        self._equals, self._name_escaped, self._value_escaped = equals, name_escaped, escaped
        return True

    def named(self) -> bool:
        """Whether the pair has a name."""
        return self._equals > self._begin

    def empty(self) -> bool:
        """Whether the pair has no value."""
        return self._equals + 1 >= self._end

    def name(self) -> bytes:
        """The pair's name, decoded."""
        if self._name_escaped:
            return decoded(self._query, self._begin, self._equals)
        return cut(self._query, self._begin, self._equals)

    def value(self) -> bytes:
        """The pair's value, decoded; there is one."""
        if self._value_escaped:
            return decoded(self._query, self._equals + 1, self._end)
        return cut(self._query, self._equals + 1, self._end)


def read_query(query: bytes, names: Mapping[str, str]) -> Given:
    """Read `a=1&b=2`, where `names` maps short names to long ones.

    Of a repeated parameter the first counts; an empty one is absent.
    """
    values: dict[str, object] = {}
    empty: set[str] = set()
    unknown = 0
    pairs = Pairs()
    pairs.start(query)
    while pairs.next():
        name = names.get(pairs.name().decode("utf-8", "replace"))
        if name is None:
            unknown += pairs.named()
        elif name not in values and name not in empty:
            if pairs.empty():
                empty.add(name)
            else:
                values[name] = pairs.value().decode("utf-8", "replace")
    return Given(values, unknown)


class QueryReader:
    """Reads queries by a few known names, in place: `read_query` in a third of the time."""

    __slots__ = ("_factor", "_names", "_pairs", "_slots", "unknown")

    def __init__(self, names: Sequence[str]) -> None:
        """The values are given in the order of `names`; an empty name is none."""
        self._names = tuple(name.encode() for name in names)
        self._factor, self._slots = _told_apart(self._names)
        self._pairs = Pairs()
        self.unknown = 0
        """Fields of the last query that we do not know."""

    def read(self, query: bytes) -> list[object]:
        """Return the values, decoded but not yet known to be UTF-8; None where there is none."""
        pairs = self._pairs
        pairs.start(query)
        values: list[object] = [None] * len(self._names)
        seen = unknown = 0
        while pairs.next():
            if pairs._name_escaped:
                name = pairs.name()
                number = self._number(name, 0, len(name))
            else:
                number = self._number(query, pairs._begin, pairs._equals)
            if number < 0:
                unknown += pairs.named()
            elif not seen >> number & 1:
                seen |= 1 << number
                if not pairs.empty():
                    values[number] = pairs.value()
        self.unknown = unknown
        return values

    def _number(self, query: bytes, begin: int, end: int) -> int:
        """Which name stands there; −1 when it is none of ours."""
        size = end - begin
        if size <= 0:
            return -1
        number = self._slots[_slot(query[begin], query[end - 1], size, self._factor)]
        if number >= len(self._names):
            return -1
        name = self._names[number]
        if len(name) != size:
            return -1
        for at in range(size):
            if name[at] != query[begin + at]:
                return -1
        return number


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
