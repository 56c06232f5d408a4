"""`python -m benchmarks compare A.json B.json`: by how much the ratios of two runs differ.

Ratios, for absolute times differ with the weather. The aim is that two full runs on one machine
agree within 10 % in the medians.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.report import YARDSTICK, rows
from benchmarks.saved import NoResults, Saved

AIM = 0.1


@dataclass(frozen=True, slots=True)
class Difference:
    """Medians of one server's ratios under one load, in two runs."""

    load: str
    server: str
    before: float
    after: float

    @property
    def share(self) -> float:
        """How much more it is after than before."""
        return self.after / self.before - 1

    @property
    def within(self) -> bool:
        """Whether it is as near as is aimed at."""
        return abs(self.share) <= AIM


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 2 if there is nothing to compare."""
    parser = argparse.ArgumentParser(prog="benchmarks compare", description=__doc__)
    parser.add_argument("runs", type=Path, nargs=2, metavar="RESULTS.json")
    parser.add_argument("--out", type=Path, metavar="FILE.md", help="write it there, too")
    parsed = parser.parse_args(arguments)
    try:
        before, after = (Saved.load(path) for path in parsed.runs)
    except NoResults as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    found = list(differences(before, after))
    if not found:
        print("compare: the runs have no server under the same load in common", file=sys.stderr)
        return 2
    said = text(found, before, after)
    print(said)
    if parsed.out is not None:
        parsed.out.write_text(f"# Two runs compared\n\n{said}\n")
    return 0


def differences(before: Saved, after: Saved) -> Iterator[Difference]:
    """Of each that has a ratio in both."""
    then = {(r.scenario, r.setting, r.server): r for r in rows(before.cells) if r.ratios}
    for row in rows(after.cells):
        old = then.get((row.scenario, row.setting, row.server))
        if old is not None and row.ratios and row.server != YARDSTICK:
            yield Difference(row.load, row.server, median(old.ratios), median(row.ratios))


def text(found: Sequence[Difference], before: Saved, after: Saved) -> str:
    """A table, how many are within the aim, and what makes the runs less alike."""
    lines = [f"{_when('First', before)} {_when('second', after)}\n", *_unlike(before, after)]
    lines += ["| load | server | × nginx, first | second | difference |", "|---|---|--:|--:|--:|"]
    lines += [
        f"| {each.load} | {each.server} | {each.before:.2f} | {each.after:.2f} "
        f"| {each.share:+.0%}{'' if each.within else ' **'} |"
        for each in found
    ]
    within = sum(each.within for each in found)
    worst = max(found, key=lambda each: abs(each.share))
    shares = [abs(each.share) for each in found]
    lines.append(
        f"\n{within} of {len(found)} within {AIM:.0%}, the others marked **; the median difference "
        f"is {median(shares):.0%}, the farthest {worst.share:+.0%} ({worst.load}, {worst.server})."
    )
    return "\n".join(lines)


def _when(which: str, run: Saved) -> str:
    machine, effort = run.about.get("machine") or {}, run.about.get("effort") or {}
    return (
        f"{which}: {run.about.get('date', 'unknown')}, load {machine.get('load_before', 0):.1f} "
        f"before, {effort.get('rounds', '?')} rounds."
    )


def _unlike(before: Saved, after: Saved) -> Iterator[str]:
    """In what they differ that ratios may depend on, and what only one has."""
    for name in ("machine", "commit", "partitions"):
        values = [_named(run, name) for run in (before, after)]
        if values[0] != values[1]:
            yield f"Not of one {name}: {values[0]}, {values[1]}.\n"
    for which, run in (("first", before), ("second", after)):
        if run.busy:
            yield f"In the {which} run {run.busy}\n"
        if run.missed:
            yield f"The {which} run is partial: {'; '.join(run.missed)}.\n"
    theirs = [{(row.load, row.server) for row in rows(run.cells)} for run in (before, after)]
    for which, only in (("first", theirs[0] - theirs[1]), ("second", theirs[1] - theirs[0])):
        if only:
            names = "; ".join(f"{load}, {server}" for load, server in sorted(only))
            yield f"Only in the {which} run: {names}.\n"


def _named(run: Saved, name: str) -> object:
    if name == "machine":
        machine = run.about.get(name) or {}
        return f"{machine.get('cpu')} with {machine.get('cores')} cores"
    if name == "partitions":
        return (run.about.get("effort") or {}).get(name)
    return run.about.get(name)
