"""Which events were counted already: by site and id, among those of the same hour of `time`.

Of each is kept a fingerprint of 64 bits, 9 bytes in all; a set of Python's takes 75. An id counted
for another by chance: once in 10¹² among 16 million ids (2²⁴ · 2⁻⁶⁴). What would go beyond the
bound drops the oldest block of fingerprints: repetitions of those then count twice.
"""

from array import array
from collections.abc import Iterator
from zlib import crc32

from ingest.stats.sorted_array import wide_vacancy

_MASK = (1 << 64) - 1
_SPLIT = 10
"""Top bits that choose a fingerprint's bucket: short arrays are cheap to insert into."""
_SHIFT = 64 - _SPLIT
_BLOCKS = 8
"""A block holds this part of the bound, so that the oldest can go while others stay."""
_OVERHEAD = 12_000
"""What a block costs beside its fingerprints, counted in fingerprints: about 110 KB."""
_GOLDEN = 0x9E3779B97F4A7C15
"""2⁶⁴ over the golden ratio: spreads what it is multiplied with (Fibonacci hashing)."""
_TWICE = 0x1_0000_0001
"""Repeats 32 bits in the upper half."""
_UUID = 36
"""Characters, hyphens included."""
_HYPHEN = ord("-")
_NO_DIGIT = 255
_CODES = 128
_DIGITS = bytes("0123456789abcdef".find(chr(code).lower()) & _NO_DIGIT for code in range(_CODES))
"""What a hexadecimal digit stands for, by its code."""


def fingerprint(site: str, event_id: str) -> int:
    """64 bits of a site and a UUID. Raises `ValueError` for another id."""
    if len(event_id) != _UUID:
        raise ValueError("no UUID")
    first, second = _half(event_id, 0), _half(event_id, _UUID // 2)
    check = crc32(site.encode())
    mixed = (first * _GOLDEN ^ second ^ check * _TWICE) & _MASK
    return mixed * _GOLDEN & _MASK


def _half(event_id: str, begin: int) -> int:
    """64 bits of a UUID, of which each half has 16 digits and two hyphens."""
    number, digits = 0, 0
    for at in range(begin, begin + _UUID // 2):
        code = ord(event_id[at])
        if code == _HYPHEN:
            continue
        digit = _DIGITS[code] if code < _CODES else _NO_DIGIT
        if digit == _NO_DIGIT:
            raise ValueError("no UUID")
        number = number << 4 | digit
        digits += 1
    if digits != 16:
        raise ValueError("no UUID")
    return number


class Block:
    """Fingerprints of one hour."""

    __slots__ = ("_buckets", "_unsaved", "_unsorted", "hour", "number", "size")

    def __init__(self, hour: int, number: int) -> None:
        self.hour = hour
        self.number = number
        """Blocks are numbered as they are begun."""
        self.size = 0
        self._buckets: list[array[int] | None] = [None] * (1 << _SPLIT)
        self._unsaved = array("Q")
        self._unsorted: set[int] = set()
        """Buckets that were loaded and not looked at since: a start must not wait for sorting."""

    def holds(self, mark: int) -> bool:
        """Whether it is there."""
        if self._unsorted:
            self._sort(mark >> _SHIFT)
        bucket = self._buckets[mark >> _SHIFT]
        return bucket is not None and wide_vacancy(bucket, mark) < 0

    def add(self, mark: int) -> bool:
        """Take it in; False when it was there."""
        if self._unsorted:
            self._sort(mark >> _SHIFT)
        bucket = self._buckets[mark >> _SHIFT]
        if bucket is None:
            self._buckets[mark >> _SHIFT] = array("Q", (mark,))
        else:
            place = wide_vacancy(bucket, mark)
            if place < 0:
                return False
            bucket.insert(place, mark)
        self.size += 1
        self._unsaved.append(mark)
        return True

    def load(self, marks: "array[int]") -> None:
        """Take in what was saved."""
        for mark in marks:
            bucket = self._buckets[mark >> _SHIFT]
            if bucket is None:
                self._buckets[mark >> _SHIFT] = array("Q", (mark,))
                self._unsorted.add(mark >> _SHIFT)
            else:
                bucket.append(mark)
        self.size = len(marks)

    def _sort(self, number: int) -> None:
        if number in self._unsorted:
            self._unsorted.remove(number)
            self._buckets[number] = array("Q", sorted(self._buckets[number] or ()))

    def take_unsaved(self) -> bytes:
        """What came since the last call, to be saved."""
        unsaved, self._unsaved = self._unsaved, array("Q")
        return unsaved.tobytes()


class Duplicates:
    """Knows the events seen, as many as `limit` fingerprints' memory holds."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._block_limit = max(limit // _BLOCKS, 1)
        self._blocks: list[Block] = []
        self._by_hour: dict[int, list[Block]] = {}
        self._next = 0
        self._cost = 0
        self.dropped: list[int] = []
        """Numbers of blocks dropped; whoever saves the state clears it."""

    def __len__(self) -> int:
        return sum([block.size for block in self._blocks])

    def first(self, hour: int, mark: int) -> bool:
        """Whether it is the first with this fingerprint in this hour; it is known from now on."""
        blocks = self._by_hour.get(hour)
        if blocks is None:
            block = self._begin(hour)
        else:
            block = blocks[-1]
            if len(blocks) > 1 and _any_holds(blocks, mark):
                return False
            if block.size >= self._block_limit:
                if block.holds(mark):
                    return False
                block = self._begin(hour)
        if not block.add(mark):
            return False
        self._cost += 1
        while self._cost > self._limit and len(self._blocks) > 1:
            self._drop(self._blocks[0])
        return True

    def forget_before(self, hour: int) -> None:
        """Drop the hours before this one."""
        for block in [block for block in self._blocks if block.hour < hour]:
            self._drop(block)

    def unsaved(self) -> Iterator[tuple[int, int, bytes]]:
        """Number, hour and new fingerprints of each block that has some."""
        for block in self._blocks:
            if marks := block.take_unsaved():
                yield block.number, block.hour, marks

    def restore(self, number: int, hour: int, marks: bytes) -> None:
        """Take in a block that was saved. In the order of their numbers."""
        block = Block(hour, number)
        block.load(array("Q", marks))
        self._keep(block)

    def _begin(self, hour: int) -> Block:
        while self._blocks and self._cost + _OVERHEAD + self._block_limit > self._limit:
            self._drop(self._blocks[0])
        block = Block(hour, self._next)
        self._keep(block)
        return block

    def _keep(self, block: Block) -> None:
        self._next = max(self._next, block.number + 1)
        self._blocks.append(block)
        self._by_hour.setdefault(block.hour, []).append(block)
        self._cost += block.size + _OVERHEAD

    def _drop(self, block: Block) -> None:
        self._blocks.remove(block)
        same_hour = self._by_hour[block.hour]
        same_hour.remove(block)
        if not same_hour:
            del self._by_hour[block.hour]
        self._cost -= block.size + _OVERHEAD
        self.dropped.append(block.number)


def _any_holds(blocks: list[Block], mark: int) -> bool:
    for block in blocks:  # noqa: SIM110  (C has no generators)
        if block.holds(mark):
            return True
    return False
