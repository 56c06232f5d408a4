"""`python -m benchmarks readme`: writes the table of record into README.md."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.peers.peer import ROOT
from benchmarks.plots import RATIOS
from benchmarks.report import YARDSTICK, Row, rows, spread
from benchmarks.saved import NoResults, Saved

RECORD = ROOT / "benchmarks" / "results" / "record.json"
README = ROOT / "README.md"
BEGIN = "<!-- benchmarks: written by `python -m benchmarks readme` -->"
END = "<!-- end of benchmarks -->"
_LOAD = ("saturation", "512 connections")


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 2 if there is no record."""
    parser = argparse.ArgumentParser(prog="benchmarks readme", description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=RECORD)
    parsed = parser.parse_args(arguments)
    try:
        README.write_text(within(README.read_text(), table(Saved.load(parsed.results))))
    except NoResults as error:
        print(f"readme: {error}", file=sys.stderr)
        return 2
    return 0


def within(text: str, made: str) -> str:
    """Replace what stands between the two marks. Raises `NoResults` where they are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoResults(f"README.md has no place for the table: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{made}{END}{after}"


def table(saved: Saved) -> str:
    """Return the table of record, and where it was measured. Raises `NoResults`."""
    found = [r for r in rows(saved.cells) if (r.scenario, r.setting) == _LOAD and r.ratios]
    if not found:
        raise NoResults(f"no figures of {': '.join(_LOAD)} beside {YARDSTICK}")
    machine, servers = saved.about["machine"], saved.about["servers"]
    ordered = sorted(found, key=lambda row: median(row.ratios))
    lines = [
        "| server | CPU per ping, × nginx | partitions | events per batch | does not |",
        "|---|--:|--:|--:|---|",
        *(_line(row, servers) for row in ordered),
        "",
    ]
    absent = [f"{name} ({of['missing']})" for name, of in servers.items() if of["missing"]]
    if absent:
        lines += [f"Missing: {'; '.join(absent)}.", ""]
    if saved.missed:
        lines += [f"**Partial:** {'; '.join(saved.missed)}.", ""]
    if saved.busy:
        lines += [f"**Provisional:** {saved.busy}", ""]
    lines += [
        f"Least–median–most of {len(ordered[0].ratios)} interleaved rounds, 512 kept connections, "
        f"every request another visitor's, each server on the same one core. {machine['cpu']}, "
        f"{machine['cores']} cores, load {machine['load_before']:.1f} before; commit "
        f"{saved.about['commit'][:12]}, {saved.about['date'][:10]}. Partitions and batches decide "
        "a part of the cost. [How to read it, and what it does not show](benchmarks/README.md).",
        "",
        f"![CPU per ping beside nginx](benchmarks/results/{RATIOS}.svg)",
    ]
    return "\n".join(lines) + "\n"


def _line(row: Row, servers: dict[str, dict[str, list[str]]]) -> str:
    batches = [cell.batch_events for cell in row.cells if cell.batch_events is not None]
    lacks = servers[row.server]["does_not"]
    columns = (
        f"**{row.server}**" if row.server.startswith("ours") else row.server,
        spread(row.ratios, 2),
        str(row.cells[0].partitions or "–"),
        spread(batches, 0) if batches else "–",
        ", ".join(lacks) or "–",
    )
    return f"| {' | '.join(columns)} |"
