"""Stores of events, and their counts."""

import asyncio
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from ingest.log.files import OsFiles
from ingest.stats.follow_store import StoreFollower
from ingest.stats.keeper import Keeper
from ingest.stats.stats import Bounds
from tests.stats.reader_process import end_of
from tests.stats.support import NOON, Clock, batch
from tests.support.stored import Clock as StoreClock
from tests.support.stored import segments
from tests.support.wait import until_async

_BATCH = 250
_numbers = count()


def append(directory: Path, values: Sequence[bytes]) -> None:
    """Write events into a store."""
    directory.mkdir(exist_ok=True)
    store = segments(directory, StoreClock(), OsFiles(), segment_bytes=1024 * 1024)
    for start in range(0, len(values), _BATCH):
        store.append([batch(next(_numbers), list(values[start : start + _BATCH]))])
        store.close_when_due(StoreClock().now)
    store.close()


class Counted:
    """A store's counts, as an async context: all of it is counted at the beginning."""

    def __init__(
        self, store: Path, state: Path, clock: Clock | None = None, bounds: Bounds | None = None
    ) -> None:
        self.clock = clock or Clock(NOON)
        self.store = store
        state.mkdir(exist_ok=True)
        self.keeper = Keeper(state, bounds or Bounds(), self.clock, save_every=0.05)
        self.follower = StoreFollower(store, self.keeper, lambda: end_of(store), self.clock)

    async def __aenter__(self) -> "Counted":
        self.follower.start()
        await self.all_counted()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.follower.stop()

    async def all_counted(self) -> None:
        """Wait until the store's end is counted."""
        self.follower.more()
        await until_async(lambda: self.follower.position >= end_of(self.store), 60, "all counted")
        await asyncio.sleep(0)
