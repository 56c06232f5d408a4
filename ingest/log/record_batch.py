# distutils: extra_compile_args = -O3
"""Kafka's record batch (magic 2): many records, laid out in one pass and compressed.

As https://kafka.apache.org/documentation/#recordbatch has it. aiokafka has a builder, too: it goes
over each record and its headers twice, makes an object for it, and lets its buffer grow record by
record. All our records have the same headers.
"""

import struct
from collections.abc import Callable, Sequence

from aiokafka.codec import gzip_encode, snappy_encode, zstd_encode
from aiokafka.record.util import calc_crc32c

from ingest.config import Compression
from ingest.log.batch import Record
from ingest.log.lz4 import Lz4

Header = tuple[str, bytes]

_HEAD = struct.Struct(">qiibIhiqqqhii")
_CRC = struct.Struct(">I")
_CRC_AT = 17
_AFTER_CRC = _CRC_AT + _CRC.size
"""The checksum (CRC-32C) is of what comes after it."""
_AFTER_LENGTH = 12
"""The length is of what comes after it."""
_BASE_OFFSET = 0
_LEADER_EPOCH = -1
"""Both are the broker's to write."""
_MAGIC = 2
_PLAIN = 0
_CODECS: dict[Compression, tuple[int, Callable[[memoryview], memoryview | bytes]]] = {
    Compression.NONE: (_PLAIN, memoryview),
    Compression.GZIP: (1, gzip_encode),
    Compression.SNAPPY: (2, snappy_encode),
    Compression.LZ4: (3, Lz4().frame),
    Compression.ZSTD: (4, zstd_encode),
}
"""The number by which a batch's attributes name it, and how it is done. For one thread."""
_FIRST_ROOM = 65_536
_LONGEST_NUMBER = 10
_LONGEST_FRAMING = 1 + 5 * _LONGEST_NUMBER
"""Bytes of a record beside key, value and headers, at most: its attributes, its length, the
differences of time and offset, and the lengths of key and value.
"""


class RecordBatch:
    """Records laid out and compressed. What is missing is who sends them, and their number."""

    __slots__ = ("_attributes", "_first", "_latest", "_whole", "count")

    def __init__(
        self, attributes: int, count: int, first: int, latest: int, records: memoryview | bytes
    ) -> None:
        """`first` and `latest`: timestamp of the first record, and the latest timestamp."""
        self._attributes = attributes
        self._first = first
        self._latest = latest
        self._whole = bytearray().join((bytes(_HEAD.size), records))
        self.count = count
        """How many records."""

    def sealed(self, producer_id: int, producer_epoch: int, sequence: int) -> bytearray:
        """Return the batch as it goes to Kafka, the same buffer each time."""
        whole, last = self._whole, self.count - 1
        _HEAD.pack_into(
            whole, 0, _BASE_OFFSET, len(whole) - _AFTER_LENGTH, _LEADER_EPOCH, _MAGIC, 0,
            self._attributes, last, self._first, self._latest,
            producer_id, producer_epoch, sequence, self.count,
        )  # fmt: skip
        _CRC.pack_into(whole, _CRC_AT, calc_crc32c(memoryview(whole)[_AFTER_CRC:]))
        return whole


class BatchWriter:
    """Makes batches of records that have the same headers. Its buffer is used again and again."""

    __slots__ = ("_attributes", "_buffer", "_compress", "_headers", "_room", "_used")

    def __init__(self, headers: Sequence[Header], compression: Compression) -> None:
        self._attributes, self._compress = _CODECS[compression]
        self._buffer = bytearray(_FIRST_ROOM)
        self._room = _FIRST_ROOM
        self._used = 0
        self._headers = _laid_out(headers)

    def write(self, records: Sequence[Record]) -> RecordBatch:
        """Make a batch of at least one record."""
        first = latest = records[0].timestamp
        self._used = number = 0
        for record in records:
            self._put(number, record.timestamp - first, record.key, record.value)
            latest = max(latest, record.timestamp)
            number += 1
        plain = memoryview(self._buffer)[: self._used]
        packed = self._compress(plain)
        if len(packed) >= len(plain):  # as aiokafka: what does not get smaller goes as it is
            return RecordBatch(_PLAIN, number, first, latest, plain)
        return RecordBatch(self._attributes, number, first, latest, packed)

    def _put(self, number: int, later: int, key: bytes, value: bytes) -> None:
        """Write a record: `number` is its place in the batch, `later` milliseconds."""
        keys, values, rest = len(key), len(value), self._headers
        most = _LONGEST_FRAMING + keys + values + len(rest)
        if self._used + most > self._room:
            self._make_room(most)
        since = later * 2 if later >= 0 else later * -2 - 1
        size = 1 + _width(since) + _width(2 * number) + _width(2 * keys) + _width(2 * values)
        size += keys + values + len(rest)
        out = self._buffer
        at = _put_number(out, self._used, 2 * size)
        out[at] = 0  # attributes: none
        at = _put_number(out, at + 1, since)
        at = _put_number(out, at, 2 * number)
        at = _put_number(out, at, 2 * keys)
        at = _put_bytes(out, at, key, keys)
        at = _put_number(out, at, 2 * values)
        at = _put_bytes(out, at, value, values)
        self._used = _put_bytes(out, at, rest, len(rest))

    def _make_room(self, size: int) -> None:
        """Make room for so many bytes more: what writes through a pointer asks for it first.

        By another buffer: one that somebody looks at cannot grow.
        """
        self._buffer = self._buffer + bytes(self._used + size)
        self._room = len(self._buffer)


def _laid_out(headers: Sequence[Header]) -> bytes:
    """Lay out how many headers there are, then length and bytes of each name and value."""
    laid_out = _number(len(headers))
    for name, value in headers:
        text = name.encode()
        laid_out += _number(len(text)) + text + _number(len(value)) + value
    return laid_out


def _number(number: int) -> bytes:
    out = bytearray(_LONGEST_NUMBER)
    return bytes(out[: _put_number(out, 0, 2 * number)])


def _width(number: int) -> int:
    """Bytes of a number, seven bits in each."""
    width = 1
    while number > 0x7F:
        number >>= 7
        width += 1
    return width


def _put_number(out: bytearray, at: int, number: int) -> int:
    """Write a number from 0 on, the lowest seven bits first; returns where it ends.

    Kafka's numbers have a sign: they are doubled (protobuf's ZigZag), those below 0 made odd.
    """
    while number > 0x7F:
        out[at] = 0x80 | (number & 0x7F)
        number >>= 7
        at += 1
    out[at] = number
    return at + 1


def _put_bytes(out: bytearray, at: int, data: bytes, size: int) -> int:
    for index in range(size):
        out[at + index] = data[index]
    return at + size
