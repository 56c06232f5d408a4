"""A batch: records of one partition that become durable together, and who waits for them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

_log = logging.getLogger(__name__)


class Settled(Enum):
    """How the wait for a record ended."""

    DIRECT = "direct"
    """Durable: acknowledged by Kafka, or in the store."""
    SPOOLED = "spooled"
    """Durable: in the spool, to be replayed to Kafka."""
    SHED = "shed"
    """Not stored, and will not be: no room."""
    FAILED = "failed"
    """Not confirmed; may yet turn out to be stored."""


Waiter = Callable[[Settled], None]
"""Called once, on the event loop, when the record's batch is settled. Must not raise."""


class Record(NamedTuple):
    """One record as Kafka knows it. A NamedTuple: one is made for each ping."""

    key: bytes
    value: bytes
    timestamp: int
    """Epoch milliseconds."""

    @property
    def size(self) -> int:
        """Bytes counted for it."""
        return len(self.key) + len(self.value) + RECORD_OVERHEAD


RECORD_OVERHEAD = 64
"""Bytes counted for a record beside its key and value: Kafka's framing, headers, our objects."""


@dataclass(frozen=True, slots=True)
class Batching:
    """What a batch may be."""

    limit: Callable[[], int]
    """Bytes of a batch at most, now; a larger record goes alone."""
    partition: Callable[[bytes], int]
    """The partition of a key."""
    partitions: Callable[[], int]
    """How many there are now."""


def nobody(_how: Settled) -> None:
    """A waiter for records that nobody waits for."""


class Batch:
    """Records on their way. Filled by `Accumulator`, written by a sink, settled once."""

    __slots__ = ("id", "opened", "partition", "received", "records", "size", "waiters")

    def __init__(
        self, batch_id: bytes, partition: int, opened: float, received: int | None = None
    ) -> None:
        self.id = batch_id
        """16 random bytes."""
        self.partition = partition
        self.opened = opened
        """Loop time of the first record, in seconds."""
        self.received = received
        """When its events were received, in epoch milliseconds; None: about now."""
        self.records: list[Record] = []
        self.waiters: list[Waiter] = []
        self.size = 0
        """Bytes of the records, overhead included."""

    def add(self, record: Record, waiter: Waiter) -> None:
        """Take in one record and whoever waits for it."""
        self.take(record, record.size, waiter)

    def take(self, record: Record, size: int, waiter: Waiter) -> None:
        """Do the same with a record whose size is known."""
        self.records.append(record)
        self.waiters.append(waiter)
        self.size += size

    def settle(self, how: Settled) -> None:
        """Tell everyone who waits. One pass over a list: no Future for each ping (2–3 µs).

        One who raises, for a mistake of ours, keeps nobody else from being told.
        """
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            try:
                waiter(how)
            except Exception:
                _log.exception("answering an event failed")
