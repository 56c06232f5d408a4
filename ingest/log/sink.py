"""Where batches become durable: Kafka, segment files, or memory in tests."""

from typing import Protocol

from ingest.log.batch import Batch, Settled


class SinkError(Exception):
    """A batch was not confirmed. The message names no address, key or value."""


class SinkFull(SinkError):
    """No room: certain not to be stored."""


class SinkTimeout(SinkError):
    """No answer within the deadline: unknown, it may yet be stored."""


class SinkUnavailable(SinkError):
    """The other side is away or refuses us: certain not to be stored, worth another try later."""


class RecordRefused(SinkError):
    """The other side refuses a record of this batch for itself (too large, invalid)."""


class Sink(Protocol):
    """A place that makes batches durable."""

    async def start(self) -> None:
        """Open it. Raises `SinkError` or `OSError` when it cannot be used."""

    async def write(self, batch: Batch) -> Settled:
        """Return once the whole batch is durable, and where: `DIRECT`, or `SPOOLED`.

        Raises `SinkError` when it is not durable.
        """

    async def close(self) -> None:
        """Let go of files and connections; batches under way are given up."""

    @property
    def ready(self) -> bool:
        """Whether a batch written now would probably become durable."""
