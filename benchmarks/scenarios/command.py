"""`python -m benchmarks run`: every server under every load, in interleaved rounds.

It prints its plan and how long it will take, and shortens its cells to keep to `--minutes`; where
that is not enough it leaves loads and servers out, and says which. What was measured is kept when a
part of it fails or the run is stopped: as NAME.partial.json, which says what is missing.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.arguments import above_zero, at_least_one, not_negative
from benchmarks.peers.all import FAULTY, OURS, PEERS, YARDSTICK
from benchmarks.peers.command import table
from benchmarks.peers.peer import Peer
from benchmarks.report import beside, how, markdown, memory
from benchmarks.saved import Saved
from benchmarks.scenarios.bench import asked
from benchmarks.scenarios.course import Course
from benchmarks.scenarios.effort import Effort
from benchmarks.scenarios.machine import about
from benchmarks.scenarios.scenario import SCENARIOS, Form, named, of_form
from benchmarks.scenarios.work import Stage, Work

EFFORTS = {
    Form.QUICK: Effort(5, 1.5, 0.5, 4, 1, long_seconds=5, extra_rounds=1, warming=1.5),
    Form.RECORD: Effort(5, 5.0, 0.5, 4, 1, long_seconds=60, warming=6),
    Form.FULL: Effort(5, 5.0, 0.5, 4, 1, long_seconds=600, warming=8),
}
MINUTES = {Form.QUICK: 2.75, Form.RECORD: 15.0, Form.FULL: 60.0}


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 1 if a confirmed event was lost, or something was not measured."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    everyone = [
        peer
        for peer in (YARDSTICK, *OURS, *PEERS[1:], *FAULTY)
        if peer is YARDSTICK or any(part in peer.name for part in parsed.only.split(","))
    ]
    try:
        work = _work(parsed, everyone)
    except ValueError as error:
        parser.error(str(error))
    print(work.text(), file=sys.stderr)
    if parsed.plan:
        return 0
    scenarios = [scenario for stage in work.stages for scenario in stage.scenarios]
    part = [peer for peer in everyone if any(asked(peer, each) for each in scenarios)]
    told = about(part) | {
        "effort": asdict(work.effort),
        "scenarios": [scenario.name for scenario in scenarios],
        "left_out": list(work.left_out),
    }
    name = parsed.name

    def keep(saved: Saved) -> None:
        if parsed.out is not None:
            write(saved, part, parsed.out, name)

    saved = Course(work, told, keep).run()
    print(report(saved, part))
    return 1 if saved.missed or any(cell.lost for cell in saved.cells) else 0


def report(saved: Saved, peers: Sequence[Peer]) -> str:
    """All of it, to be read."""
    cells = saved.cells
    parts = (table(peers), how(saved), markdown(cells), memory(cells), beside(saved.extras))
    return "\n".join(part for part in parts if part)


def write(saved: Saved, peers: Sequence[Peer], out: Path, name: str) -> None:
    """Write the report's files. With gaps it has a name of its own, and takes no other's place."""
    out.mkdir(parents=True, exist_ok=True)
    partial = f"{name}.partial"
    for old in (out / f"{partial}.json", out / f"{partial}.md"):
        old.unlink(missing_ok=True)
    if saved.missed:
        name = partial
    (out / f"{name}.json").write_text(saved.as_json())
    text = report(saved, peers)
    (out / f"{name}.md").write_text(text if saved.missed else _with_plots(saved, text, out))


def _with_plots(saved: Saved, text: str, out: Path) -> str:
    """Draw what there is to draw beside the report, and link it."""
    from benchmarks.plots import draw  # it takes a second to load

    links = [f"![{name.stem}]({name.name})" for name in draw(saved, out)]
    return "\n\n".join((text, *links)) + "\n"


def _work(parsed: argparse.Namespace, everyone: Sequence[Peer]) -> Work:
    """Raises ValueError, naming what is unknown or does not fit."""
    form = Form.QUICK if parsed.quick else Form.RECORD if parsed.record else Form.FULL
    chosen = named(parsed.scenarios.split(",")) if parsed.scenarios else of_form(form)
    default, minutes = EFFORTS[form], parsed.minutes or MINUTES[form]
    effort = Effort(
        parsed.rounds or default.rounds,
        parsed.seconds or default.seconds,
        default.warm_up,
        parsed.partitions,
        parsed.seed,
        parsed.long_seconds or default.long_seconds,
        default.extra_rounds,
        default.warming if parsed.warming is None else parsed.warming,
    )
    present = [peer for peer in everyone if not peer.missing()]
    stages = [
        Stage.of(present, part)
        for part in (
            [each for each in chosen if not each.faulty],
            [each for each in chosen if each.faulty],
        )
        if part
    ]
    work = Work(stages, effort, minutes, extras=not (parsed.scenarios or parsed.quick))
    return work if parsed.seconds else work.fitted()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks run", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="under three minutes: saturation, memory")
    add("--record", action="store_true", help="what the README tells, in a quarter of an hour")
    add("--plan", action="store_true", help="say what would be done and how long, and do nothing")
    add(
        "--minutes",
        type=above_zero,
        help="of all; cells are shortened to fit (default 60, record 15, quick 2.5)",
    )
    add("--scenarios", default="", help=", ".join(scenario.name for scenario in SCENARIOS))
    add("--only", default="", help="parts of servers' names, by commas; nginx runs always")
    add("--rounds", type=at_least_one, help="default 5, quick 3")
    add("--seconds", type=above_zero, help="a cell; default what fits, at most 5")
    add(
        "--long-seconds",
        type=above_zero,
        help="of memory over time; default 600, quick 5, record 60",
    )
    add(
        "--warming", type=not_negative, help="seconds at most, of each server before its first cell"
    )
    add("--partitions", type=at_least_one, default=4)
    add("--seed", type=int, default=1)
    add("--out", type=Path, help="directory for NAME.json, NAME.md and the plots")
    add("--name", default="report", help="of the report's files")
    return parser
