"""Which partition a key belongs to: as Java's client decides it, for consumers to rely on."""

from aiokafka.partitioner import murmur2

_REMEMBERED = 50_000


class Partitions:
    """Java's default partitioner: murmur2 of the key, made positive, modulo the partitions.

    Remembers recent keys, bounded: 0.1 µs instead of 4 for a site's second event.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        """How many partitions there are now: whoever hears of another number sets it."""
        self._hashes: dict[bytes, int] = {}

    def of(self, key: bytes) -> int:
        """Return the partition of a key, from 0 on."""
        hashed = self._hashes.get(key)
        if hashed is None:
            if len(self._hashes) >= _REMEMBERED:
                self._hashes.clear()
            hashed = self._hashes[key] = int(murmur2(key)) & 0x7FFF_FFFF
        number = hashed
        return number % self.count


def one_partition(_key: bytes) -> int:
    """The partition of any key in a log that has only one."""
    return 0
