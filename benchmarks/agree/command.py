"""`python -m benchmarks agree`: our load generator beside wrk and vegeta, at the same setting.

The server takes 10 ms as a rule (benchmarks/agree/delayed.py), so that what the generators
themselves cost is little beside it. Rounds are interleaved, and the ratio is taken within a round;
a round in which our generator would not have reported (busy, starved or late) is made again.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tqdm import tqdm

from benchmarks.agree.generators import PERCENTILES, Found, ours, vegeta, wrk
from benchmarks.arguments import above_zero, at_least_one
from benchmarks.cpu import pinned
from benchmarks.load.plan import Plan, Target, Visits
from benchmarks.peers.build import VEGETA, VEGETA_VERSION
from benchmarks.peers.ours import OursStore
from benchmarks.peers.peer import (
    Does,
    Peer,
    Place,
    free_port,
    running,
    said_version,
    which,
)
from benchmarks.report import spread
from benchmarks.scenarios.bench import cores
from benchmarks.scenarios.machine import about

WITHIN = 0.1
_TRIES = 3
_HEAD = ("| comparison | figure | ours | other | ours / other |", "|---|---|--:|--:|--:|")


class Delayed(Peer):
    """The server that takes its time."""

    name = "10 ms server"
    does = Does()

    def missing(self) -> str | None:
        """Nothing."""
        return None

    def version(self) -> str:
        """Of no matter."""
        return "-"

    def commands(self, place: Place) -> Sequence[Sequence[str]]:
        """One process."""
        return [[sys.executable, "-m", "benchmarks.agree.delayed", str(place.port)]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Another generator, a server, and what both are asked for."""

    name: str
    peer: Peer
    other: Callable[[Plan, Path], Found]
    missing: str | None
    rate: float | None
    connections: int

    def plan(self, url: str, seconds: float) -> Plan:
        """The setting."""
        visits = Visits(opt_outs=0.0, prepared=5_000)
        return Plan(Target.of(url), visits, self.rate, seconds, 0.5, self.connections)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a comparison found."""

    lines: Sequence[str]
    """Of the table."""
    agrees: bool


def comparisons() -> list[Comparison]:
    """All that are made."""
    no_wrk = None if which("wrk") else "wrk is not installed: benchmarks/setup.sh"
    no_vegeta = None if VEGETA.exists() else "vegeta is not built: benchmarks peers --build"
    return [
        Comparison("wrk, 64 connections", Delayed(), wrk, no_wrk, None, 64),
        Comparison("vegeta, 1,500/s", Delayed(), vegeta, no_vegeta, 1_500, 128),
        Comparison("wrk, our store, 64 connections", OursStore(), wrk, no_wrk, None, 64),
    ]


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 0 all within 10 %, 1 not, or one is missing."""
    parser = argparse.ArgumentParser(prog="benchmarks agree", description=__doc__)
    parser.add_argument("--rounds", type=at_least_one, default=5)
    parser.add_argument("--seconds", type=above_zero, default=3)
    parser.add_argument("--out", type=Path, help="directory for agree.md")
    parsed = parser.parse_args(arguments)
    told = _about(parsed.rounds, parsed.seconds)
    print("\n".join(_HEAD))
    outcomes = []
    for each in comparisons():
        outcomes.append(compared(each, parsed.rounds, parsed.seconds))
        print("\n".join(outcomes[-1].lines), flush=True)
    good = all(outcome.agrees for outcome in outcomes)
    verdict = f"\nAll medians are{'' if good else ' **not**'} within {WITHIN:.0%}."
    print(verdict)
    if parsed.out is not None:
        parsed.out.mkdir(parents=True, exist_ok=True)
        lines = (line for outcome in outcomes for line in outcome.lines)
        text = "\n".join((told, *_HEAD, *lines, verdict))
        (parsed.out / "agree.md").write_text(f"{text}\n")
    return 0 if good else 1


def compared(comparison: Comparison, rounds: int, seconds: float) -> Outcome:
    """Measure by turns."""
    if comparison.missing:
        return Outcome([f"| {comparison.name} | missing: {comparison.missing} | | | |"], False)
    pairs = _pairs(comparison, rounds, seconds)
    if len(pairs) < rounds:
        return Outcome([f"| {comparison.name} | the machine is too busy for it | | | |"], False)
    lines = [_line(f"{comparison.name} | pings/s", [(a.rate, b.rate) for a, b in pairs])]
    for each in PERCENTILES:
        values = [(mine.latency_ms[each], other.latency_ms[each]) for mine, other in pairs]
        lines.append(_line(f"{comparison.name} | p{each}, ms", values))
    return Outcome([line for line, _ in lines], all(agrees for _, agrees in lines))


def _about(rounds: int, seconds: float) -> str:
    said = about([])
    machine = said["machine"]
    assert isinstance(machine, dict)
    return (
        f"# Our load generator beside others\n\n`python -m benchmarks agree`: {rounds} rounds of "
        f"{seconds:g} s each, by turns, at the same setting; the server and the generator have a "
        "core each. Median; ratio least–median–most. In a closed loop ours is corrected as wrk "
        f"corrects itself.\n\n{machine['cpu']}, {machine['cores']} cores, load "
        f"{machine['load_before']:.1f} before; commit {str(said['commit'])[:12]}, "
        f"{str(said['date'])[:10]}; wrk {said_version(which('wrk') or 'true', '-v')}, vegeta "
        f"{VEGETA_VERSION}.\n"
    )


def _pairs(comparison: Comparison, rounds: int, seconds: float) -> list[tuple[Found, Found]]:
    where = cores()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        place = Place(directory / "server", free_port())
        with pinned({where.server}):
            server = stack.enter_context(running(comparison.peer, place))
        stack.enter_context(pinned({where.load}))
        plan = comparison.plan(server.url, seconds)
        pairs: list[tuple[Found, Found]] = []
        with tqdm(total=rounds, desc=comparison.name, unit=" rounds", disable=None) as bar:
            for _ in range(_TRIES * rounds):
                mine, other = ours(plan), comparison.other(plan, directory)
                if mine.doubts:
                    bar.write(f"again: {mine.doubts[0]}", file=sys.stderr)
                    continue
                pairs.append((mine, other))
                bar.update()
                if len(pairs) == rounds:
                    break
        return pairs


def _line(what: str, pairs: Sequence[tuple[float, float]]) -> tuple[str, bool]:
    mine, other = (median(values) for values in zip(*pairs, strict=True))
    ratios = [mine / other for mine, other in pairs]
    line = f"| {what} | {mine:,.1f} | {other:,.1f} | {spread(ratios, 2)} |"
    return line, abs(median(ratios) - 1) <= WITHIN
