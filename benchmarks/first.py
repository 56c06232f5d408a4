"""The first figures: CPU per ping, ours beside nginx and beside a plain collector."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import cpu
from benchmarks.report import YARDSTICK, Cell
from benchmarks.servers import Cores, Subject, running

_ROOT = Path(__file__).resolve().parents[1]
_YARDSTICK_TIMES = 3
"""nginx gets so many times the requests: the kernel counts CPU time in ticks of 10 ms."""
_SETTLE = 0.3
"""Seconds between a cell's end and the next one's start."""


class NotAllStored(Exception):
    """An answer was not a success: there is nothing to report."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run."""

    rounds: int
    requests: int
    """In a cell at most."""
    warm_up: int
    seconds: int
    """For which a cell goes on at most."""
    connections: Sequence[int]
    partitions: int
    seed: int
    only: str = ""
    """Part of a server's name, beside which only nginx is run."""


def cores() -> Cores:
    """The server's core, the generator's, and where Kafka runs: beside it where there are two."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        raise SystemExit("benchmarks: two cores are needed, one of them for the server alone")
    return Cores(available[0], available[1], frozenset(available[2:] or available[1:]))


def run(plan: Plan, directory: Path) -> Iterator[Cell]:
    """Run every cell, round by round."""
    where = cores()
    with running(directory, where, plan.partitions) as started:
        subjects = [s for s in started if plan.only in s.name or s is started[0]]
        for number in range(1, plan.rounds + 1):
            for connections in plan.connections:
                for subject in subjects:
                    yield _cell(plan, subject, connections, number, where)
                    time.sleep(_SETTLE)


def _cell(plan: Plan, subject: Subject, connections: int, number: int, where: Cores) -> Cell:
    # The same pings for every server of a round; others in each round, so that none is known.
    seed = plan.seed + 1_000 * number + connections
    times = _YARDSTICK_TIMES if subject.name == YARDSTICK else 1
    numbers = (
        subject.port,
        connections,
        times * plan.requests,
        plan.warm_up,
        seed,
        plan.seconds,
    )
    with cpu.pinned({where.load}):
        load = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load", *map(str, numbers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
    with load:
        assert load.stdin is not None
        assert load.stdout is not None
        if load.stdout.readline() != "ready\n":
            raise NotAllStored(f"{subject.name}: the warm-up failed")
        before = subject.delivered()
        began = cpu.seconds(subject.pid)
        load.stdin.write("go\n")
        load.stdin.flush()
        line = load.stdout.readline()
        used = cpu.seconds(subject.pid) - began
        after = subject.delivered()
    if not line:
        raise NotAllStored(f"{subject.name}: the load generator failed")
    said = json.loads(line)
    answers = said["answers"]
    if list(answers) != [subject.answer]:
        raise NotAllStored(f"{subject.name}, {connections} connections: {answers}")
    count = answers[subject.answer]
    batches = None
    if before is not None and after is not None:
        batches = after.batches - before.batches
        if after.events - before.events != count:
            raise NotAllStored(f"{subject.name}: /metrics does not agree with the answers")
    return Cell(
        subject.name,
        connections,
        number,
        count,
        used,
        said["seconds"],
        subject.partitions,
        batches,
        said["reopened"],
    )
