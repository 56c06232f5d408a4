"""The segment file, byte for byte: its head, its frames, its end. `docs/segment-format.md` says it
for people; all numbers are big-endian, times are epoch milliseconds.
"""

import struct
import zlib
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ingest.log.records import MAX_RAW

MAGIC = b"BEACONSG"
VERSION = 1
MARKER = b"\xffSG"
"""Begins a frame and the end: looked for behind a damaged part. 0xFF never stands in UTF-8."""
_FRAME = MARKER + b"F"
_END = MARKER + b"E"
_CRC = struct.Struct(">I")
_FILE = struct.Struct(">8sIQQq")
_HEAD = struct.Struct(">4sI16sqII")
_FOOT = struct.Struct(">4sQIQqq")
FILE_HEAD_BYTES = _FILE.size + _CRC.size
HEAD_BYTES = _HEAD.size + _CRC.size
"""Bytes of a frame's head, and as many of the end."""
MAX_PAYLOAD = MAX_RAW + MAX_RAW // 128
"""Bytes of a payload at most: zstd makes what cannot be compressed longer by less than 1/128."""
DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()
SUFFIX = ".seg"
ASIDE = ".aside"
"""Ends the names of what could not be read, and is kept to be looked at."""
_UNLOCKED_CRC = 5 * 1024


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """A segment's number, and the UTC day on which it was begun (days since 1970)."""

    sequence: int
    day: int

    @property
    def file(self) -> str:
        """Name of the file; names sort as segments do: `0001732443300123-2024-11-24.seg`."""
        return f"{self.sequence:016d}-{date.fromordinal(_EPOCH + self.day)}{SUFFIX}"

    @classmethod
    def parse(cls, file: str) -> "SegmentName | None":
        """Read a file's name; None for a file that is no segment."""
        sequence, dash, day = file.removesuffix(SUFFIX).partition("-")
        if not (file.endswith(SUFFIX) and dash and sequence.isascii() and sequence.isdigit()):
            return None
        try:
            name = cls(int(sequence), date.fromisoformat(day).toordinal() - _EPOCH)
        except ValueError:
            return None
        return name if name.file == file else None

    @property
    def last_ms(self) -> int:
        """Last millisecond of the day: nothing in the segment was received later."""
        return (self.day + 1) * DAY_MS - 1


def day_of(now: int) -> int:
    """UTC day of a time in epoch milliseconds."""
    return now // DAY_MS


class FileHead(NamedTuple):
    """The beginning of a file."""

    version: int
    sequence: int
    previous: int
    """Number of the segment before it, 0 for none: a reader sees when one is missing."""
    created: int

    def encode(self) -> bytes:
        """Return the `FILE_HEAD_BYTES` bytes of it."""
        return _sealed(_FILE.pack(MAGIC, *self))

    @classmethod
    def decode(cls, data: bytes) -> "FileHead | None":
        """Read it; None when it is damaged or incomplete."""
        if not _is_sealed(data, FILE_HEAD_BYTES):
            return None
        magic, *fields = _FILE.unpack_from(data)
        return cls(*fields) if magic == MAGIC else None


class FrameHead(NamedTuple):
    """What stands before a payload."""

    length: int
    """Bytes of the payload."""
    batch_id: bytes
    received: int
    """When the batch was appended: no event in it was received later."""
    records: int
    payload_crc: int

    @classmethod
    def decode(cls, data: bytes) -> "FrameHead | None":
        """Read it; None when it is damaged, incomplete, or no frame's."""
        if not data.startswith(_FRAME) or not _is_sealed(data, HEAD_BYTES):
            return None
        _, *fields = _HEAD.unpack_from(data)
        head = cls(*fields)
        return head if head.length <= MAX_PAYLOAD else None


@dataclass(slots=True)
class Tally:
    """What the frames of a segment add up to."""

    frames: int = 0
    records: int = 0
    oldest: int = 0
    newest: int = 0
    """Receipts; of a segment without frames they mean nothing."""

    def add(self, received: int, records: int) -> None:
        """Take in one frame. The clock may stand behind an earlier frame's."""
        self.oldest = min(self.oldest, received) if self.frames else received
        self.newest = max(self.newest, received) if self.frames else received
        self.frames += 1
        self.records += records


class Footer(NamedTuple):
    """The end of a segment that is closed: a start need not read the rest."""

    offset: int
    """Where it stands itself, so that an end copied elsewhere is none."""
    tally: Tally

    def encode(self) -> bytes:
        """Return the `HEAD_BYTES` bytes of it."""
        tally = self.tally
        return _sealed(
            _FOOT.pack(_END, self.offset, tally.frames, tally.records, tally.oldest, tally.newest)
        )

    @classmethod
    def decode(cls, data: bytes, offset: int) -> "Footer | None":
        """Read it at its offset; None when it is damaged, incomplete, or none."""
        if not data.startswith(_END) or not _is_sealed(data, HEAD_BYTES):
            return None
        _, own, *tally = _FOOT.unpack_from(data)
        return cls(own, Tally(*tally)) if own == offset else None


def encode_frame(batch_id: bytes, received: int, records: int, payload: bytes) -> bytes:
    """Return a whole frame."""
    head = _HEAD.pack(_FRAME, len(payload), batch_id, received, records, checksum(payload))
    return _sealed(head) + payload


def checksum(data: bytes) -> int:
    """CRC-32 (ISO 3309), in steps so short that zlib keeps the interpreter's lock.

    A step more costs 0.3 µs; getting the lock back from a busy event loop costs milliseconds.
    """
    if len(data) <= _UNLOCKED_CRC:
        return zlib.crc32(data)
    view = memoryview(data)
    crc = 0
    for start in range(0, len(view), _UNLOCKED_CRC):
        crc = zlib.crc32(view[start : start + _UNLOCKED_CRC], crc)
    return crc


def _sealed(head: bytes) -> bytes:
    return head + _CRC.pack(zlib.crc32(head))


def _is_sealed(data: bytes, length: int) -> bool:
    body = length - _CRC.size
    return len(data) >= length and _CRC.unpack_from(data, body)[0] == zlib.crc32(data[:body])
