"""A set of visitors that can be counted, united and written down.

It holds the low 24 bits of each number. Small sets are sorted arrays, 4 bytes a visitor: a roaring
bitmap of random 24-bit numbers takes 91 at 10 visitors, 68 at 100, 34 at 500 and 5 at 10,000
(measured), but takes one in twice as fast as an array of 500.
"""

from array import array
from collections.abc import Collection, Iterable
from math import log
from typing import Final

from pyroaring import BitMap

from ingest.stats.sorted_array import vacancy

_BITS: Final = 24
SPACE: Final = 1 << _BITS
"""Numbers that are told apart."""
_MASK: Final = SPACE - 1
SMALL: Final = 512
"""Visitors up to which a set is an array."""
_FREE: Final = 1_000
"""With fewer numbers free a count's error is above 0.3 %: saturated."""
_EMPTY: Final = array("I")
_ARRAY: Final = b"a"
_BITMAP: Final = b"r"


class Uniques:
    """A set of visitors' numbers (0…2³²−1, or any others: only the low 24 bits are looked at)."""

    __slots__ = ("_members",)

    def __init__(self, numbers: Collection[int] = ()) -> None:
        self._members: array[int] | BitMap = _EMPTY[:]
        if numbers:
            self.update(numbers)

    def add(self, number: int) -> None:
        """Take in one visitor."""
        members = self._members
        if isinstance(members, array):
            self._add_to(members, low_bits(number))
        else:
            members.add(low_bits(number))

    def _add_to(self, members: "array[int]", number: int) -> None:
        place = vacancy(members, number)
        if place < 0:
            return
        if len(members) < SMALL:
            members.insert(place, number)
        else:
            self._members = BitMap((*members, number))

    def update(self, numbers: Collection[int]) -> None:
        """Take in many."""
        members = self._members
        if not isinstance(members, array):
            members.update(array("I", [low_bits(number) for number in numbers]))
        elif len(numbers) <= len(members) + 1 and len(members) + len(numbers) <= SMALL:
            for number in numbers:
                self._add_to(members, low_bits(number))
        else:
            masked = {low_bits(number) for number in numbers}
            masked.update(members)
            self._members = array("I", sorted(masked)) if len(masked) <= SMALL else BitMap(masked)

    def unite(self, other: "Uniques") -> None:
        """Take in another set's visitors. The other stays as it is."""
        members, others = self._members, other._members
        if not members:
            self._members = others[:] if isinstance(others, array) else others.copy()
        elif isinstance(others, array):
            self.update(others)
        elif isinstance(members, array):
            self._members = others | BitMap(members)
        else:
            self._members = members | others

    @property
    def count(self) -> int:
        """How many visitors, the expected number of shared low bits added: −m·ln(1−n/m).

        Linear counting (Whang, Vander-Zanden, Taylor 1990). Exact below 4,000, but for visitors who
        happen to share their low bits: 0.03 of 1,000 on average.
        """
        return _estimate(len(self._members))

    @property
    def saturated(self) -> bool:
        """Whether nearly all numbers are taken: `count` then is at least this many."""
        return len(self._members) > SPACE - _FREE

    def count_with(self, other: "Uniques") -> int:
        """The count of the union, without making it."""
        members, others = self._members, other._members
        if isinstance(members, array) and isinstance(others, array):
            return _estimate(len({*members, *others}))
        return _estimate(_bitmap(members).union_cardinality(_bitmap(others)))

    def dump(self) -> bytes:
        """Write it down, for `load` on a machine of the same byte order."""
        members = self._members
        if isinstance(members, array):
            return _ARRAY + members.tobytes()
        return _BITMAP + bytes(members.serialize())

    @classmethod
    def load(cls, data: bytes) -> "Uniques":
        """Read what `dump` wrote. Raises `ValueError` for anything else."""
        made = Uniques()
        if data[:1] == _ARRAY:
            made._members = array("I", data[1:])
        elif data[:1] == _BITMAP:
            made._members = BitMap.deserialize(data[1:])
        else:
            raise ValueError("no set of visitors")
        return made

    def __len__(self) -> int:
        """Numbers held, without correction."""
        return len(self._members)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Uniques) and set(self._members) == set(other._members)

    __hash__ = None  # type: ignore[assignment]


def low_bits(number: int) -> int:
    """What a set looks at of a visitor's number."""
    return number & _MASK


def union(sets: Iterable[Uniques]) -> Uniques:
    """All of them in a new set."""
    made = Uniques()
    for each in sets:
        made.unite(each)
    return made


def _bitmap(members: "array[int] | BitMap") -> BitMap:
    return BitMap(members) if isinstance(members, array) else members


def _estimate(held: int) -> int:
    if held >= SPACE:
        held = SPACE - 1
    return round(-SPACE * log(1 - held / SPACE))
