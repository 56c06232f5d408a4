"""`python -m benchmarks counted`: events counted per second and core, memory a site, time of now.

First without the log: `Stats.apply`, from the event's bytes on; then catching up with a store and
with Kafka, all included (`catching_up`). Events have the fields that a browser's have. Each figure
is of a process of its own, and seconds are CPU time. Ratios are over plain sets of Python's
(`plain_counts`) in the same round: those carry to other machines.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from tqdm import tqdm

from benchmarks import catching_up
from benchmarks.alone import alone
from benchmarks.arguments import at_least_one
from benchmarks.broker import running_broker
from benchmarks.catching_up import CatchUp, Log
from benchmarks.counting import Memory, Rate, memory_of, plain_memory_of, rate
from benchmarks.log_events import of_an_hour

_COUNTING, _CATCHING_UP, _MEMORY = _PARTS = ("counting", "catching-up", "memory")
"""What can be asked for by itself."""


def main(arguments: Sequence[str]) -> int:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks counted")
    parser.add_argument("--events", type=at_least_one, default=200_000)
    parser.add_argument("--sites", type=at_least_one, default=100_000, help="of the memory figure")
    parser.add_argument("--rounds", type=at_least_one, default=3)
    parser.add_argument("--only", choices=_PARTS, nargs="+", default=_PARTS)
    parser.add_argument("--out", type=Path, help="directory for counted.json, counted-table.md")
    parsed = parser.parse_args(arguments)
    only = parsed.only
    rates = _rates(parsed.events, parsed.rounds) if _COUNTING in only else {}
    caught_up = _catch_up(parsed.events, parsed.rounds) if _CATCHING_UP in only else []
    memory = _memory(parsed.sites) if _MEMORY in only else None
    said = table(list(rates.values()), caught_up, memory)
    print(said)
    if parsed.out is not None:
        about = {"machine": platform.machine(), "python": platform.python_version()}
        figures = {
            "rates": [each._asdict() for found in rates.values() for each in found],
            "caught_up": [each._asdict() for each in caught_up],
            "memory": None if memory is None else memory._asdict(),
        }
        parsed.out.mkdir(parents=True, exist_ok=True)
        (parsed.out / "counted.json").write_text(json.dumps({**about, **figures}, indent=2) + "\n")
        (parsed.out / "counted-table.md").write_text(said + "\n")
    return 0


def _rates(events: int, rounds: int) -> dict[int, list[Rate]]:
    """By the number of sites, ways one after the other, again and again."""
    mixes = (1, 100, 5_000)
    steps = [(sites, number) for number in range(rounds) for sites in mixes]
    rates: dict[int, list[Rate]] = {sites: [] for sites in mixes}
    for sites, seed in tqdm(steps, desc="counting", file=sys.stderr):
        rates[sites].append(alone(rate, sites, events, seed))
    return rates


def _memory(sites: int) -> Memory:
    """Plain sets take so much that a fifth of the sites must do."""
    plain_sites = max(sites // 5, 1)
    return Memory(sites, *alone(memory_of, sites), plain_sites, alone(plain_memory_of, plain_sites))


def _catch_up(events: int, rounds: int) -> list[CatchUp]:
    """Few sites and many, ways one after the other, again and again."""
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as directory,
        running_broker(Path(directory) / "broker") as broker,
    ):
        logs = [
            Log.filled(broker, list(of_an_hour(events, sites, 7)), sites) for sites in (100, 5_000)
        ]
        for _ in tqdm(range(rounds), desc="catching up", file=sys.stderr):
            for log in logs:
                found += [alone(way, log) for way in catching_up.COUNTED]
            found += [alone(way, logs[0]) for way in catching_up.READ]
    return found


def table(rates: Sequence[list[Rate]], caught_up: Sequence[CatchUp], memory: Memory | None) -> str:
    """Return what was measured, as Markdown."""
    parts = []
    if rates:
        parts += [_rate_rows(rates), _now_rows(rates)]
    if caught_up:
        parts += [_caught_up_rows(caught_up)]
    if memory is not None:
        parts += [iter([_memory_line(memory)])]
    return "\n\n".join("\n".join(lines) for lines in parts)


def _rate_rows(rates: Sequence[list[Rate]]) -> Iterator[str]:
    yield "| sites | events a second and core | µs an event | with plain sets | ratio |"
    yield "|---:|---:|---:|---:|---:|"
    for found in rates:
        speeds = [each.per_second for each in found]
        plain = [each.plain_per_second for each in found]
        yield (
            f"| {found[0].sites:,} | {_spread(speeds)} | {1e6 / median(speeds):.1f} "
            f"| {_spread(plain)} | {_ratios([each.ratio for each in found])} |"
        )


def _now_rows(rates: Sequence[list[Rate]]) -> Iterator[str]:
    yield "| sites | now, µs | of plain sets, µs | asked again, µs | a dictionary's look-up, µs |"
    yield "|---:|---:|---:|---:|---:|"
    for found in rates:
        yield (
            f"| {found[0].sites:,} | {median(each.now_microseconds for each in found):.1f} "
            f"| {median(each.plain_now_microseconds for each in found):.1f} "
            f"| {median(each.known_microseconds for each in found):.2f} "
            f"| {median(each.lookup_microseconds for each in found):.2f} |"
        )


def _caught_up_rows(caught_up: Sequence[CatchUp]) -> Iterator[str]:
    yield "| from | sites | events a second and core | µs an event |"
    yield "|---|---:|---:|---:|"
    for way, sites in dict.fromkeys((each.way, each.sites) for each in caught_up):
        speeds = [each.per_second for each in caught_up if (each.way, each.sites) == (way, sites)]
        yield f"| {way} | {sites:,} | {_spread(speeds)} | {1e6 / median(speeds):.1f} |"


def _memory_line(memory: Memory) -> str:
    total = memory.sites * memory.bytes_per_site / 1e6
    return (
        f"{memory.sites:,} sites with 10 visitors each in a day, breakdowns included: "
        f"{memory.bytes_per_site:,.0f} bytes a site, {total:,.0f} MB, the process at most "
        f"{memory.most_resident / 1e6:,.0f} MB; with plain sets "
        f"{memory.plain_bytes_per_site:,.0f} bytes a site ({memory.plain_sites:,} sites): "
        f"{memory.bytes_per_site / memory.plain_bytes_per_site:.2f} of it."
    )


def _spread(speeds: Sequence[float]) -> str:
    return f"{median(speeds):,.0f} ({min(speeds):,.0f}–{max(speeds):,.0f})"


def _ratios(found: Sequence[float]) -> str:
    return f"{median(found):.2f} ({min(found):.2f}–{max(found):.2f})"
