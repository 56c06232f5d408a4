"""What stands on a topic: read as a consumer, or counted in the broker's own files."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

_HEAD = 61
"""Bytes of a record batch before its records (Kafka protocol, record batch, magic 2)."""
_LENGTH = slice(8, 12)
"""Of the batch, without this field and the offset before it."""
_BEFORE_LENGTH_COUNTS = 12
_COUNT = slice(57, 61)


@dataclass(frozen=True, slots=True)
class Written:
    """Records, and the batches they came in."""

    records: int
    batches: int
    size: int = 0
    """Bytes on the disk, compressed and with their frames, of one replica."""

    def __add__(self, other: Self) -> "Written":
        return Written(
            self.records + other.records, self.batches + other.batches, self.size + other.size
        )

    def __sub__(self, other: Self) -> "Written":
        return Written(
            self.records - other.records, self.batches - other.batches, self.size - other.size
        )


class Counted:
    """A topic in the data directory of its (only) broker, counted without the broker's doing."""

    def __init__(self, data: Path, topic: str) -> None:
        self._data = data
        self._topic = topic
        self._read: dict[Path, int] = {}
        """Bytes of each segment that are counted: what is new is little, and all may be long."""
        self._found = Written(0, 0)

    def read(self) -> Written:
        """Records until now; only what is new is looked at."""
        for segment in self._data.glob(f"{self._topic}-[0-9]*/*.log"):
            with segment.open("rb") as file:
                before = self._read.get(segment, 0)
                new = _batches(file, before, segment.stat().st_size)
            size = sum(length for _, length in new)
            self._read[segment] = before + size
            self._found += Written(sum(count for count, _ in new), len(new), size)
        return self._found


def written(data: Path, topic: str) -> Written:
    """Count a topic's records once."""
    return Counted(data, topic).read()


def _batches(file: BinaryIO, at: int, size: int) -> list[tuple[int, int]]:
    """Records and bytes of each batch that is written whole."""
    found = []
    while at + _HEAD <= size:
        file.seek(at)
        head = file.read(_HEAD)
        length = _BEFORE_LENGTH_COUNTS + int.from_bytes(head[_LENGTH])
        at += length
        if at <= size:
            found.append((int.from_bytes(head[_COUNT]), length))
    return found


async def values(bootstrap: str, topic: str) -> list[bytes]:
    """Values of all records up to the topic's end at the call."""
    found = await _partitions(bootstrap, topic)
    if not found:
        return []
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(found)
        await consumer.seek_to_beginning(*found)
        ends = await consumer.end_offsets(found)
        read: list[bytes] = []
        while any([await consumer.position(p) < end for p, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                read += [record.value for record in records]
        return read
    finally:
        await consumer.stop()


async def _partitions(bootstrap: str, topic: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        known = {each["topic"]: each["partitions"] for each in await admin.describe_topics()}
    finally:
        await admin.close()
    return [TopicPartition(topic, number) for number in range(len(known.get(topic, ())))]
