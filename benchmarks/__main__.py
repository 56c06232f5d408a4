"""`python -m benchmarks first`: run, watch the progress, and read the table at the end."""

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import reconcile
from benchmarks.first import NotAllStored, Plan, run
from benchmarks.report import Cell, as_json, markdown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the words say; returns the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["reconcile"]:
        return reconcile.main(words[1:])
    parsed = _parser().parse_args(words)
    connections = tuple(int(number) for number in parsed.connections.split(","))
    plan = Plan(
        parsed.rounds,
        parsed.requests,
        parsed.warm_up,
        parsed.seconds,
        connections,
        parsed.partitions,
        parsed.seed,
        parsed.only,
    )
    try:
        cells = _run(plan)
    except NotAllStored as error:
        print(f"benchmarks: no figures, since not every ping was stored: {error}", file=sys.stderr)
        return 1
    table = markdown(cells)
    print(table)
    if parsed.out is not None:
        parsed.out.mkdir(parents=True, exist_ok=True)
        (parsed.out / "first.json").write_text(as_json(cells, _about(plan)))
        (parsed.out / "first-table.md").write_text(table)
    return 0


def _run(plan: Plan) -> list[Cell]:
    began = time.monotonic()
    cells: list[Cell] = []
    print("starting Kafka and the servers", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        for cell in run(plan, Path(directory)):
            cells.append(cell)
            print(
                f"{time.monotonic() - began:4.0f} s  round {cell.round} of {plan.rounds}  "
                f"{cell.connections:4} connections  {cell.server:24} {cell.cost:6.1f} µs",
                file=sys.stderr,
                flush=True,
            )
    return cells


def _about(plan: Plan) -> dict[str, object]:
    return {
        "rounds": plan.rounds,
        "requests_a_cell": plan.requests,
        "seconds_a_cell": plan.seconds,
        "warm_up": plan.warm_up,
        "seed": plan.seed,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    first = commands.add_parser("first", help="CPU per ping, beside nginx and a plain collector")
    first.add_argument("--rounds", type=int, default=3)
    first.add_argument("--requests", type=int, default=20_000, help="a cell at most")
    first.add_argument("--warm-up", type=int, default=3_000, help="requests before each cell")
    first.add_argument("--seconds", type=int, default=3, help="a cell at most")
    first.add_argument("--connections", default="64,512", help="numbers, separated by commas")
    first.add_argument("--partitions", type=int, default=4)
    first.add_argument("--seed", type=int, default=1)
    first.add_argument("--only", default="", help="part of a server's name; nginx runs always")
    first.add_argument("--out", type=Path, help="directory for first.json and first-table.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
