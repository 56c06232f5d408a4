"""Counts what the store of this process takes in: its files, behind its writer.

On the loop, a slice at a time, for the queries run there too and a thread would hold the loop up as
long, by the interpreter's lock, but without a bound of ours. Only reading the files, which may wait
for a disk, happens in a thread.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from ingest.log.position import BEGINNING, Position
from ingest.log.reader import Reader, Skipped, SkipReason, StoredBatch, log_skipped
from ingest.stats.delay import Lag
from ingest.stats.keeper import Keeper
from ingest.stats.state import UNREADABLE

_LOG = "store"
_BATCHES = 16
"""Read at a time."""
_IDLE = 0.25
"""Seconds after which to look for more, and for what is due, though nobody said so."""
_AFTER_FAILURE = 1.0
_logger = logging.getLogger(__name__)


class StoreFollower:
    """One coroutine, `run`, between `start` and `stop`."""

    def __init__(
        self,
        directory: Path,
        keeper: Keeper,
        end: Callable[[], Position],
        clock: Callable[[], int],
    ) -> None:
        """`directory` is the store's; `end` says up to where it is durable."""
        self.lag = Lag()
        self._directory = directory
        self._keeper = keeper
        self._end = end
        self._clock = clock
        self._more = asyncio.Event()
        self._counted = self._saved_position()
        self._reader = Reader(directory, self._counted, self._skipped)
        self.damaged = 0
        """Parts that could not be read, and are not counted; since the start."""
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin where the saved counts end."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def more(self) -> None:
        """There is more to read."""
        self._more.set()

    async def stop(self) -> None:
        """End after the batches that are being counted, and save."""
        self._stopping = True
        self._more.set()
        if self._task is not None:
            await self._task
        await self._keeper.save(self._positions())
        self._reader.close()
        self._keeper.close()

    @property
    def position(self) -> Position:
        """Behind what is counted."""
        return self._counted

    def _saved_position(self) -> Position:
        text = self._keeper.positions.get(_LOG)
        return BEGINNING if text is None else Position.parse(text)

    def _positions(self) -> dict[str, str]:
        return {_LOG: str(self._counted)}

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._step()
            except UNREADABLE as error:
                await self._keeper.recover(error)
                self._read_from(self._saved_position())
            except Exception:
                _logger.exception("counting failed")
                await asyncio.sleep(_AFTER_FAILURE)
                self._read_from(self._counted)  # what was counted of a batch is known by its ids

    def _read_from(self, position: Position) -> None:
        self._reader.close()
        self._counted = position
        self._reader = Reader(self._directory, position, self._skipped)

    def _skipped(self, skipped: Skipped) -> None:
        """In the thread that reads."""
        log_skipped(skipped)
        self.damaged += skipped.reason is not SkipReason.GONE

    async def _step(self) -> None:
        """Count some batches, or wait for some; then do what is due."""
        end = self._end()
        batches: list[StoredBatch] = []
        if self._counted < end:
            batches = await asyncio.to_thread(self._reader.read, _BATCHES, end)
        if not batches:
            self._counted = self._reader.position  # it may have stepped over something
        for batch in batches:
            await self._keeper.apply([record.value for record in batch.records])
            self._counted = batch.end
        if batches and self._counted < self._end():
            self.lag.behind(self._clock(), batches[-1].received)
        else:
            self.lag.caught_up(self._clock())
        self._keeper.when_due(self._positions())
        if not batches:
            await self._wait()

    async def _wait(self) -> None:
        self._more.clear()
        if self._counted < self._end() or self._stopping:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._more.wait(), _IDLE)
