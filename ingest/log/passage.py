"""A passage of the spool on its way to Kafka, and what of it still waits.

One that a partition holds up stays behind, named by its place on disk; the replay goes on past it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ingest.log.batch import Batch, Record, nobody
from ingest.log.position import Position
from ingest.log.reader import StoredBatch, batch_bytes


class Place(NamedTuple):
    """One record of the spool."""

    batch: Position
    """Where its batch begins."""
    record: int
    """Its number in the batch."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Records of one partition that go to Kafka together."""

    batch: Batch
    places: list[Place]

    def add(self, record: Record, place: Place) -> None:
        """Take in one record."""
        self.batch.add(record, nobody)
        self.places.append(place)


class Passage:
    """Some batches that were read together. Holds places, not records: they stay on the disk."""

    def __init__(self, batches: Sequence[StoredBatch]) -> None:
        """`batches`: at least one."""
        self.start = batches[0].start
        self.end = batches[-1].end
        self.partitions: set[int] = set()
        """Those for which something waits, when last looked at."""
        self.refused: dict[Place, str] = {}
        """Records that Kafka will not have, and that the quarantine has no room for yet."""
        self.size = sum(map(batch_bytes, batches))
        """Bytes of keys and values to be read for it."""
        self._left = {batch.start: (1 << len(batch.records)) - 1 for batch in batches}
        self._received = {batch.start: batch.received for batch in batches}
        self._most: dict[int, int] = {}

    @property
    def received(self) -> int:
        """When the oldest that waits was received, in epoch milliseconds; not once it is done."""
        return self._received[next(iter(self._left))]

    @property
    def done(self) -> bool:
        """Whether nothing of it waits."""
        return not self._left

    @property
    def batches(self) -> int:
        """Batches of which something waits."""
        return len(self._left)

    def join(self, following: "Passage") -> None:
        """Take in the passage that begins where this one ends."""
        self.end = following.end
        self.size += following.size
        self.partitions |= following.partitions
        self.refused |= following.refused
        self._left |= following._left
        self._received |= following._received

    def keep(self, batches: Sequence[StoredBatch]) -> None:
        """Forget what the disk did not give: it is counted when its segment goes."""
        there = {batch.start for batch in batches}
        for start in [start for start in self._left if start not in there]:
            del self._left[start]
        for place in [place for place in self.refused if place.batch not in there]:
            del self.refused[place]  # or it would be put aside in vain, again and again

    def settle(self, place: Place) -> None:
        """One record waits no more."""
        left = self._left[place.batch] & ~(1 << place.record)
        if left:
            self._left[place.batch] = left
        else:
            del self._left[place.batch]
        self.refused.pop(place, None)

    def smaller(self, partition: int, records: int) -> None:
        """A batch of so many records was refused: halves from now on, to find the record."""
        self._most[partition] = max(records // 2, 1)

    def parcels(
        self,
        batches: Sequence[StoredBatch],
        partition: Callable[[bytes], int],
        limit: int,
    ) -> Iterator[Parcel]:
        """What waits and was not refused, by partition, in batches of `limit` bytes at most.

        Of a topic there may be more partitions now than when it was spooled.
        """
        filling: dict[int, Parcel] = {}
        for place, record in self.waiting(batches):
            if place in self.refused:
                continue
            number = partition(record.key)
            parcel = filling.get(number)
            if parcel is not None and self._is_full(parcel, record, limit):
                yield parcel
                parcel = None
            if parcel is None:
                parcel = filling[number] = Parcel(Batch(bytes(16), number, 0.0), [])
            parcel.add(record, place)
        yield from filling.values()

    def waiting(self, batches: Sequence[StoredBatch]) -> Iterator[tuple[Place, Record]]:
        """Records that wait, oldest first."""
        for batch in batches:
            left = self._left.get(batch.start, 0)
            for index, record in enumerate(batch.records):
                if left >> index & 1:
                    yield Place(batch.start, index), record

    def look(self, batches: Sequence[StoredBatch], partition: Callable[[bytes], int]) -> None:
        """Find out for which partitions something waits."""
        unread = len(batches) < len(self._left)  # the disk failed on the way: keep those known
        waiting = self.waiting(batches)
        found = {partition(record.key) for place, record in waiting if place not in self.refused}
        self.partitions = self.partitions | found if unread else found

    def _is_full(self, parcel: Parcel, record: Record, limit: int) -> bool:
        most = self._most.get(parcel.batch.partition, len(parcel.places) + 1)
        return len(parcel.places) >= most or parcel.batch.size + record.size > limit


def by_segment(places: Sequence[Place]) -> dict[int, int]:
    """Count records by the number of their segment."""
    counted: defaultdict[int, int] = defaultdict(int)
    for place in places:
        counted[place.batch.sequence] += 1
    return counted
