"""Where a server's events are found: the reconciliation of every run."""

from pathlib import Path
from typing import Protocol

from benchmarks.kafka import Counted, Written
from benchmarks.peers.peer import Reach, Running
from ingest.log.position import BEGINNING
from ingest.log.reader import Reader


class Books(Protocol):
    """What has arrived."""

    def read(self) -> Written:
        """Records and batches until now."""


class InStore:
    """Our own store, or the spool, read as `ingest tail` reads it; each time only what is new."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._at = BEGINNING
        self._records = self._batches = 0

    def read(self) -> Written:
        """Count."""
        if not self._directory.exists():
            return Written(0, 0)
        with Reader(self._directory, self._at) as reader:
            for batch in reader.batches():
                self._records += len(batch.records)
                self._batches += 1
            self._at = reader.position
        size = sum(file.stat().st_size for file in self._directory.glob("*") if file.is_file())
        return Written(self._records, self._batches, size)


class Nothing:
    """A server that stores no event."""

    def read(self) -> Written:
        """Nothing."""
        return Written(0, 0)


def books(server: Running, broker_data: Path) -> Books:
    """Where this one's events are."""
    does, data = server.peer.does, server.place.directory / "data"
    if server.peer.reach is Reach.ABSENT:
        return InStore(data / "spool")
    if does.kafka:
        return Counted(broker_data, server.place.topic)
    return InStore(data / "store") if does.waits else Nothing()
