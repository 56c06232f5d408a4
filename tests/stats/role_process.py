"""The stats role as a process of its own, to be killed: `python -m … NOW FLAGS` of `ingest serve`.

Its clock stands still, so that a day of traffic ends now; and it saves often, so that a kill may
come in the middle of that too. All else is what users run.
"""

import sys
from functools import partial

from ingest import app, counting
from ingest.__main__ import main
from ingest.stats.keeper import Keeper


def run(now: int, flags: list[str]) -> int:
    """Serve at the time `now`, in epoch milliseconds."""
    app.now = lambda: now
    counting.Keeper = partial(Keeper, save_every=0.05)  # type: ignore[misc, assignment]
    return main(["serve", "--role", "stats", "--port", "0", "--admin-port", "0", *flags])


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), sys.argv[2:]))
