"""The counts and their saved state, kept together. On the event loop, in slices."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ingest.stats.queries import DAY, DAYS_KEPT, HOUR, HOURS_KEPT, MINUTE, MINUTES_KEPT
from ingest.stats.snapshot import Snapshot
from ingest.stats.state import UNREADABLE, State, Unreadable
from ingest.stats.stats import Bounds, Stats

SLICE = 0.002
"""Seconds that the loop is held at a time."""
_LOOK = 16
"""Events, or windows, after which the time is looked at."""
SAVE_EVERY = 10.0
"""Seconds between saves at least: so much of the log is read again after a crash."""
_SAVE_SHARE = 20
"""A save waits for this many times as long as the last one took."""
_TRY_AGAIN = 1.0
"""Seconds until a disk that failed is asked again."""
_log = logging.getLogger(__name__)


class Keeper:
    """Used by one reader of the log, whose coroutine calls everything here, one after the other."""

    def __init__(
        self,
        directory: Path,
        bounds: Bounds,
        clock: Callable[[], int],
        save_every: float = SAVE_EVERY,
        count_bots: bool = False,
    ) -> None:
        """`clock` tells epoch milliseconds, `save_every` is in seconds.

        Raises `OSError` when the directory is of no use.
        """
        self._save_every = save_every
        self._count_bots = count_bots
        self._clock = clock
        self._bounds = bounds
        self.state = State(directory)
        self.stats = self._restored()
        self._saved_at = self._swept_at = 0.0
        self._save_took = 0.0
        self._broken = False
        """Whether changes are lost that a save had taken: what is counted is not to be saved."""
        self._upkeep: asyncio.Task[None] | None = None

    @property
    def positions(self) -> Mapping[str, str]:
        """Where to read on."""
        return self.state.positions

    def bots_left_out(self, site: str) -> int | None:
        """Page views of bots that were not counted, at least; None: they are counted."""
        return None if self._count_bots else self.stats.left_out.of(site)

    async def recover(self, error: Unreadable) -> None:
        """After an error of `UNREADABLE`: the log is then to be read on from `positions`.

        From what was saved, as after a crash; where that is damaged from the log's beginning.
        """
        await self._settled()
        if isinstance(error, sqlite3.OperationalError):
            fields = {"reason": str(error)}
            _log.warning("saved counts cannot be read now: trying again", extra={"fields": fields})
            await asyncio.sleep(_TRY_AGAIN)
            self.state.forget_failures()
        else:
            await self.state.start_anew(str(error))
        self.stats = self._restored()
        self._broken = False

    async def apply(self, values: Iterable[bytes]) -> None:
        """Count events; others run in between. Raises what is in `state.UNREADABLE`."""
        time = asyncio.get_running_loop().time
        apply = self.stats.apply
        until = time() + SLICE
        self.stats.advance(self._clock())
        for number, value in enumerate(values):
            apply(value)
            if number % _LOOK == 0 and time() > until:
                await asyncio.sleep(0)
                until = time() + SLICE

    def when_due(self, positions: Mapping[str, str]) -> None:
        """Begin to save, and to drop what is too old, if it is time to; counting goes on.

        `positions` say up to where all is counted. Raises as `apply` does, also of what was begun.
        """
        if self.state.damage is not None:
            raise self.state.damage
        if self._upkeep is not None:
            if not self._upkeep.done():
                return
            upkeep, self._upkeep = self._upkeep, None
            upkeep.result()
        if self._broken:
            raise sqlite3.OperationalError("a save broke off")
        time = asyncio.get_running_loop().time()
        save = time - self._saved_at >= max(self._save_every, _SAVE_SHARE * self._save_took)
        sweep = time - self._swept_at >= MINUTE / 1000
        if save or sweep:
            snapshot = Snapshot(self.stats, positions) if save else None
            self._upkeep = asyncio.create_task(self._keep_up(snapshot, sweep))

    async def save(self, positions: Mapping[str, str]) -> None:
        """Save what changed, with the positions that it stands for; after damage nothing."""
        await self._settled()
        if self.state.damage is None and not self._broken:
            await self._save(Snapshot(self.stats, positions))

    async def sweep(self) -> None:
        """Drop what is too old to be kept in detail."""
        await self._settled()
        await self._sweep()

    async def _settled(self) -> None:
        """Wait for what `when_due` began; what it raises is of no interest any more."""
        if self._upkeep is not None:
            await asyncio.wait((self._upkeep,))
            upkeep, self._upkeep = self._upkeep, None
            if not upkeep.cancelled() and (error := upkeep.exception()) is not None:
                _log.warning("counts not saved", extra={"fields": {"reason": str(error)}})

    async def _keep_up(self, snapshot: Snapshot | None, sweep: bool) -> None:
        """One after the other: nothing may be dropped that a save has still to write down."""
        if snapshot is not None:
            await self._save(snapshot)
        if sweep:
            self._swept_at = asyncio.get_running_loop().time()
            await self._sweep()

    async def _save(self, snapshot: Snapshot) -> None:
        time = asyncio.get_running_loop().time
        began = time()
        until = began + SLICE
        self._broken = True
        for number, _ in enumerate(snapshot.write_down()):
            if number % _LOOK == 0 and time() > until:
                await asyncio.sleep(0)
                until = time() + SLICE
        if self.state.damage is not None:
            return
        try:
            await self.state.save(snapshot.saved)
        except sqlite3.OperationalError as error:
            _not_saved(error)
        self._broken = False
        self._saved_at = time()
        self._save_took = self._saved_at - began

    async def _sweep(self) -> None:
        if self.state.behind:
            return  # what is not on disk must stay in memory
        now = self._clock()
        for _ in self.stats.sweep(now):
            await asyncio.sleep(0)
        minute, hour = now // MINUTE - MINUTES_KEPT + 1, now // HOUR - HOURS_KEPT + 1
        for number, site in enumerate(await self.state.stale(minute, hour)):
            self.stats.age(site)
            if number % 10 == 0:
                await asyncio.sleep(0)
        try:
            await self.state.retire(now // DAY - DAYS_KEPT + 1)
        except sqlite3.OperationalError as error:
            _not_saved(error)  # tried again with the next sweep

    def close(self) -> None:
        """Close the state; save before."""
        self.state.close()

    def _restored(self) -> Stats:
        """Nothing, and `state.damage`, where what was saved cannot be read."""
        stats = self._empty()
        try:
            for block, hour, marks in self.state.ids():
                stats.duplicates.restore(block, hour, marks)
        except UNREADABLE as error:
            self.state.damage = error
            return self._empty()
        return stats

    def _empty(self) -> Stats:
        return Stats(self._clock(), self._bounds, self.state, self._count_bots)


def _not_saved(error: sqlite3.OperationalError) -> None:
    _log.warning("counts cannot be saved", extra={"fields": {"reason": str(error)}})
