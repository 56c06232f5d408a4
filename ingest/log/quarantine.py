"""What Kafka refuses for itself: how it is kept, and how it goes to Kafka after all."""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ingest.config import LONGEST_DAYS
from ingest.log.batch import Batch, Record, nobody
from ingest.log.lock import DirectoryInUse, DirectoryLock
from ingest.log.machine import Machine
from ingest.log.position import Position
from ingest.log.reader import Reader, Skipped, StoredBatch, log_skipped
from ingest.log.recovery import Segment
from ingest.log.retention import expired
from ingest.log.room import Limits
from ingest.log.segment import ASIDE
from ingest.log.segments import Segments
from ingest.log.sink import RecordRefused, SinkError

_BEGIN, _EVENT, _END = b'{"reason":"', b'","event":', b"}"
_TOGETHER = 500
"""Records written back together: bounds memory, and spares syncs."""
_SEGMENT_BYTES = 64 * 1024 * 1024
_log = logging.getLogger(__name__)


class Refused(NamedTuple):
    """A record that was put aside, as it was, and why."""

    record: Record
    reason: str


def aside(refused: Refused, received: int) -> Batch:
    """A batch for the quarantine. Its id names nothing: it is not stored again."""
    record = refused.record
    kept = b"".join((_BEGIN, refused.reason.encode(), _EVENT, record.value, _END))
    batch = Batch(bytes(16), 0, 0.0, received)
    batch.add(Record(record.key, kept, record.timestamp), nobody)
    return batch


def refused(kept: Record) -> Refused:
    """The other way round."""
    reason, _, event = kept.value.removeprefix(_BEGIN).partition(_EVENT)
    return Refused(Record(kept.key, event.removesuffix(_END), kept.timestamp), reason.decode())


def kept_in(directory: Path) -> Iterator[tuple[int, Refused]]:
    """All that is there, oldest first, each with its receipt in epoch milliseconds. Needs no lock.

    Raises `OSError`.
    """
    with Reader(directory) as reader:
        for batch in reader.batches():
            for record in batch.records:
                yield batch.received, refused(record)


@dataclass(slots=True)
class Sent:
    """What became of it."""

    sent: int = 0
    refused: int = 0
    """Again; they stay."""
    left: int = 0
    """Not tried, for Kafka went away; they stay."""
    trouble: str | None = None
    """Why it ended before its time."""


async def send_all(directory: Path, send: Callable[[Record], Awaitable[None]]) -> Sent:
    """Send each record once more, and remove it when that went well.

    Raises `DirectoryInUse` while a server runs on it, or `OSError`.
    """
    with _locked(directory):
        return await _Sending(directory, send).all()


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    try:
        lock = DirectoryLock(directory)
    except DirectoryInUse as error:
        raise DirectoryInUse(f"{error}: stop the server, and start it again afterwards") from None
    try:
        yield
    finally:
        lock.release()


class _Sending:
    """Segment by segment: what is to stay of one is written anew before the file goes.

    A crash between the two leaves it twice, or sends it twice; never neither.
    """

    def __init__(self, directory: Path, send: Callable[[Record], Awaitable[None]]) -> None:
        self._directory = directory
        self._send = send
        self._machine = Machine()
        self._segments = Segments(directory, _SEGMENT_BYTES, Limits(1 << 62, 0), self._machine)
        self._back: list[Batch] = []
        self._damaged = False
        self._sent = Sent()

    async def all(self) -> Sent:
        self._segments.start()
        try:
            for segment in expired(self._segments.closed, self._machine.clock(), LONGEST_DAYS):
                self._segments.delete(segment.name.sequence)
            for segment in self._segments.closed:  # not what is written back meanwhile
                if self._sent.trouble is None:
                    await self._one(segment)
                else:
                    self._sent.left += segment.records
        finally:
            self._segments.close()
        return self._sent

    async def _one(self, segment: Segment) -> None:
        sequence = segment.name.sequence
        self._damaged = False
        with Reader(self._directory, Position(sequence, 0), self._skipped) as reader:
            reader.strict = True
            for batch in reader.batches(Position(sequence + 1, 0)):
                for record in batch.records:
                    await self._record(record, batch)
        self._write_back()
        if self._damaged:
            path = self._directory / segment.name.file
            path.rename(path.with_name(path.name + ASIDE))
        self._segments.delete(sequence)

    async def _record(self, kept: Record, batch: StoredBatch) -> None:
        put_aside = refused(kept)
        if self._sent.trouble is None:
            try:
                await self._send(put_aside.record)
            except RecordRefused as error:
                self._sent.refused += 1
                put_aside = Refused(put_aside.record, str(error))
            except SinkError as error:
                self._sent.trouble = str(error)
            else:
                self._sent.sent += 1
                return
        if self._sent.trouble is not None:
            self._sent.left += 1
        self._back.append(aside(put_aside, batch.received))
        if len(self._back) >= _TOGETHER:
            self._write_back()

    def _write_back(self) -> None:
        back, self._back = self._back, []
        for how in self._segments.append(back) if back else ():
            if isinstance(how, SinkError):
                raise how  # its segment stays

    def _skipped(self, skipped: Skipped) -> None:
        self._damaged = True
        log_skipped(skipped)
