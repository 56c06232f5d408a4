"""One process of a load: `python -m benchmarks.load.worker`, driven by lines on standard input.

It reads a plan, prepares its requests, opens its connections, runs the warm-up, and writes a line
`{"ready": …}`. It waits for a line, runs the load, writes `{"done": …}` lines as it goes on, and at
last `{"result": …}`.
"""

import asyncio
import contextlib
import gc
import json
import ssl
import sys
import time
from pathlib import Path

import uvloop

from benchmarks.descriptors import allow_all
from benchmarks.load.connection import Connection
from benchmarks.load.kept import prepared
from benchmarks.load.plan import Plan
from benchmarks.load.result import Part
from benchmarks.load.run import ClosedLoop, Loop, OpenLoop, Upkeep
from benchmarks.load.tally import Tally
from benchmarks.load.visitors import Traffic

_SCHEDSTAT = Path("/proc/self/schedstat")
_OPENING = 100
"""Connections opened at the same time: a server's queue of them is short."""


async def main() -> None:
    """Do what the lines say."""
    plan = Plan.from_json(sys.stdin.readline())
    allow_all()
    traffic = Traffic(prepared(plan), plan.visits.sticky)
    tls = ssl.create_default_context() if plan.target.scheme == "https" else None
    connections = [Connection(plan, traffic, tls) for _ in range(plan.connections)]
    upkeep = Upkeep(connections, plan.timeout, plan.new_connections_rate)
    warm_up = _loop(plan, connections, plan.warm_up, None)
    await _open(connections, warm_up, plan.timeout)
    gc.freeze()
    gc.disable()  # its pauses would be taken for the server's
    if plan.warm_up:
        await upkeep.during(warm_up, lambda _tally: None)
    _say(ready=warm_up.tally.named())
    sys.stdin.readline()
    run = _loop(plan, connections, plan.seconds, plan.limit)
    _say(result=(await _measured(upkeep, run)).as_dict())
    for connection in connections:
        connection.abandon()


async def _open(connections: list[Connection], run: Loop, timeout: float) -> None:
    """Open all; those that are not open in time are tried again when they have a ping to send."""
    for connection in connections:
        connection.attach(run)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            for first in range(0, len(connections), _OPENING):
                opening = (each.open() for each in connections[first : first + _OPENING])
                await asyncio.gather(*opening, return_exceptions=True)


async def _measured(upkeep: Upkeep, run: Loop) -> Part:
    used, waited = time.process_time(), _waited()
    wall = time.monotonic()
    seconds = await upkeep.during(run, _progress)
    wall = time.monotonic() - wall
    busy = (time.process_time() - used) / wall
    starved = (_waited() - waited) / wall
    return Part.of(run.tally, seconds, busy, starved)


def _loop(plan: Plan, connections: list[Connection], seconds: float, limit: int | None) -> Loop:
    if plan.rate is None:
        return ClosedLoop(connections, seconds, limit)
    count = round(plan.rate * seconds)
    count = count if limit is None else min(count, limit)
    return OpenLoop(connections, plan.rate, count, plan.timeout)


def _progress(tally: Tally) -> None:
    _say(done=tally.done)


def _waited() -> float:
    """Seconds for which this process would have run, and had no core (Linux; 0 where unknown)."""
    try:
        return int(_SCHEDSTAT.read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _say(**word: object) -> None:
    print(json.dumps(word), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
