"""A sink in memory, whose answers a test decides."""

import asyncio

from ingest.log.batch import Batch, Record, Settled
from ingest.log.sink import SinkError


class MemorySink:
    """Keeps records in a list. Implements `Sink`."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.batches: list[Batch] = []
        self.error: SinkError | None = None
        """Raised by the next writes, which then keep nothing."""
        self.open = asyncio.Event()
        """Writes wait until it is set."""
        self.open.set()
        self.closed = False

    async def start(self) -> None:
        """Nothing to open."""

    async def write(self, batch: Batch) -> Settled:
        """Keep the batch once `open` is set."""
        await self.open.wait()
        if self.error is not None:
            raise self.error
        self.batches.append(batch)
        self.records += batch.records
        return Settled.DIRECT

    async def close(self) -> None:
        """Nothing to close."""
        self.closed = True

    @property
    def ready(self) -> bool:
        """Whether writes go through."""
        return self.error is None
