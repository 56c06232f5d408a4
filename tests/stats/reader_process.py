"""A reader of a store as a process of its own, to be killed: `python -m … STORE STATE NOW`.

It says `saved` after each save, and `done` when all of the store is counted.
"""

import asyncio
import sys
from pathlib import Path

from ingest.log.position import BEGINNING, Position
from ingest.log.reader import Reader
from ingest.stats.follow_store import StoreFollower
from ingest.stats.keeper import Keeper
from ingest.stats.stats import Bounds


def end_of(store: Path) -> Position:
    """Behind the last frame."""
    with Reader(store, BEGINNING) as reader:
        reader.skip_to_end()
        return reader.position


async def read(store: Path, state: Path, now: int) -> None:
    """Count the store."""
    end = end_of(store)
    keeper = Keeper(state, Bounds(), lambda: now, save_every=0.05)
    follower = StoreFollower(store, keeper, lambda: end, lambda: now)
    follower.start()
    saved = keeper.positions
    while follower.position < end:
        await asyncio.sleep(0.02)
        if keeper.positions != saved:
            saved = keeper.positions
            print("saved", flush=True)
    await follower.stop()
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(read(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
