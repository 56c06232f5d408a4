"""`python -m benchmarks profile`: where the server's time goes.

A flame graph of the server under load (py-spy, native frames included), and µs per step of the
spine. Where py-spy may not look at another process, as in a container without SYS_PTRACE, it says
so. A server that is looked at is slower than one that is not: read shares off it, not times.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.arguments import above_zero, at_least_one
from benchmarks.broker import running_broker
from benchmarks.load.generate import Generator
from benchmarks.load.plan import Plan, Target, Visits
from benchmarks.peers.ours import Ours, OursStore
from benchmarks.peers.peer import Place, create_topics, free_port, running
from benchmarks.spine import steps, text

_PY_SPY = Path(sys.executable).with_name("py-spy")
_PARTITIONS = 4


class NoProfile(Exception):
    """py-spy did not give one; the message is its own."""


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 1 if there is no flame graph."""
    parser = argparse.ArgumentParser(prog="benchmarks profile", description=__doc__)
    add = parser.add_argument
    add("--seconds", type=above_zero, default=15.0, help="to look at the server (default 15)")
    add("--connections", type=at_least_one, default=512)
    add("--store", action="store_true", help="on its own store, not on Kafka")
    add("--pings", type=at_least_one, default=20_000, help="of the table of steps")
    add("--rounds", type=at_least_one, default=5, help="of the table of steps")
    add("--steps-only", action="store_true", help="no flame graph")
    add("--out", type=Path, default=Path("flame.svg"), help="default flame.svg")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        print(text(steps(Path(directory) / "steps", parsed.pings, parsed.rounds)), flush=True)
        if parsed.steps_only:
            return 0
        try:
            flame(Path(directory), parsed.out, parsed.seconds, parsed.connections, parsed.store)
        except NoProfile as error:
            print(f"profile: no flame graph: {error}", file=sys.stderr)
            return 1
    print(f"\nflame graph: {parsed.out}")
    return 0


def flame(directory: Path, out: Path, seconds: float, connections: int, store: bool) -> None:
    """Draw a server under a closed loop's load. Raises `NoProfile`."""
    with ExitStack() as stack:
        bootstrap = ""
        if not store:
            broker = stack.enter_context(running_broker(directory / "kafka"))
            bootstrap = broker.bootstrap
            create_topics(bootstrap, "profile", _PARTITIONS)
        peer = OursStore() if store else Ours()
        place = Place(directory / "server", free_port(), bootstrap, "profile")
        server = stack.enter_context(running(peer, place))
        visits = Visits(opt_outs=0.0)
        # Longer than py-spy looks, which needs some seconds of its own to begin.
        plan = Plan(Target.of(server.url), visits, None, seconds + 5, 1.0, connections)
        asyncio.run(_looked_at(plan, server.pids[0], out, seconds))


async def _looked_at(plan: Plan, pid: int, out: Path, seconds: float) -> None:
    async with Generator(plan) as generator:
        await generator.prepare()
        load = asyncio.create_task(generator.run())
        await asyncio.to_thread(_record, pid, out, seconds)
        await load


def _record(pid: int, out: Path, seconds: float) -> None:
    command = [str(_PY_SPY), "record", "--pid", str(pid), "--output", str(out), "--native"]
    command += ["--rate", "200", "--duration", str(max(round(seconds), 1)), "--function"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NoProfile(f"{_PY_SPY.name} is not installed: {error}") from error
    if done.returncode or not out.exists():
        raise NoProfile((done.stderr or done.stdout).strip())
