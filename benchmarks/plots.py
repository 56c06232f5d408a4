"""`python -m benchmarks plot RESULTS.json`: draws a report; SVG, and PNG if asked for."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report import YARDSTICK, Row, rows
from benchmarks.saved import NoResults, Saved

RATIOS = "ratios"
_OURS, _OTHERS = "#1b6ca8", "#9aa5b1"
_RC = {
    "svg.hashsalt": "benchmarks",  # the same picture for the same figures
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 2 if there are no results."""
    parser = argparse.ArgumentParser(prog="benchmarks plot", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--out", type=Path, help="directory; default that of the results")
    parser.add_argument("--format", choices=("svg", "png"), default="svg")
    parsed = parser.parse_args(arguments)
    try:
        saved = Saved.load(parsed.results)
    except NoResults as error:
        print(f"plot: {error}", file=sys.stderr)
        return 2
    for path in draw(saved, parsed.out or parsed.results.parent, parsed.format):
        print(path)
    return 0


def draw(saved: Saved, directory: Path, kind: str = "svg") -> list[Path]:
    """Draw what the results have figures for; returns the files."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    with mpl.rc_context(_RC):
        for name, figure in _figures(saved):
            path = directory / f"{name}.{kind}"
            figure.savefig(path, dpi=144, metadata={"Date": None} if kind == "svg" else None)
            paths.append(path)
    return paths


def _figures(saved: Saved) -> Iterator[tuple[str, Figure]]:
    all_rows = rows(saved.cells)
    if bars := [row for row in _of(all_rows, "saturation", "512 connections") if row.ratios]:
        yield RATIOS, _ratios(bars)
    timed = [row for row in all_rows if row.scenario == "latency" and _latency(row)]
    if timed:
        yield "latency", _latencies(timed)
    if many := _over_connections(all_rows):
        yield "connections", _connections(many)
    watched = [cell for cell in saved.cells if cell.memory]
    if watched:
        figure, axes = _figure(1)
        for cell in watched:
            times, sizes = zip(*cell.memory, strict=True)
            axes[0].plot(times, [size / 1e6 for size in sizes], label=cell.server)
        _name(axes[0], "seconds", "resident memory, MB")
        axes[0].set_ylim(bottom=0)
        axes[0].legend()
        yield "memory", figure


def _of(all_rows: Sequence[Row], scenario: str, setting: str) -> list[Row]:
    return [row for row in all_rows if (row.scenario, row.setting) == (scenario, setting)]


def _figure(columns: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(5.2 * columns, 3.6), layout="constrained")
    return figure, figure.subplots(1, columns, squeeze=False)[0]


def _name(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _ratios(bars: Sequence[Row]) -> Figure:
    """Median as a bar, least and most as whiskers."""
    figure = Figure(figsize=(7.2, 0.42 * len(bars) + 0.9), layout="constrained")
    axes = figure.subplots()
    ordered = sorted(bars, key=lambda row: -median(row.ratios))
    for at, row in enumerate(ordered):
        middle = median(row.ratios)
        spread = [[middle - min(row.ratios)], [max(row.ratios) - middle]]
        color = _OURS if row.server.startswith("ours") else _OTHERS
        axes.barh(at, middle, xerr=spread, color=color, capsize=3)
        axes.annotate(
            f" {middle:.2f}", (max(row.ratios), at), (3, 0),
            textcoords="offset points", va="center",
        )  # fmt: skip
    axes.set_yticks(range(len(ordered)), [_with_batches(row) for row in ordered])
    axes.margins(x=0.12)
    rounds = max(len(row.ratios) for row in ordered)
    axes.set_xlabel(f"CPU per ping, × {YARDSTICK}: least, median, most of {rounds} rounds")
    figure.supxlabel("in brackets: partitions × events per batch", fontsize=7, x=0.99, ha="right")
    return figure


def _with_batches(row: Row) -> str:
    batches = [cell.batch_events for cell in row.cells if cell.batch_events is not None]
    if not batches:
        return row.server
    return f"{row.server} ({row.cells[0].partitions} × {median(batches):.0f})"


def _latency(row: Row) -> dict[str, float]:
    """Medians of the rounds in which the generator was not in doubt, by percentile."""
    good = [cell.latency_ms for cell in row.cells if cell.latency_ms and not cell.doubts]
    return {name: median(each[name] for each in good) for name in good[0]} if good else {}


def _latencies(timed: Sequence[Row]) -> Figure:
    """By percentile at each rate of ours; and p99 by rate of all."""
    figure, (by_percentile, by_rate) = _figure(2)
    ours = timed[0].server if not any("ours" in row.server for row in timed) else next(
        row.server for row in timed if "ours" in row.server
    )  # fmt: skip
    for row in timed:
        if row.server == ours:
            by_percentile.plot(*zip(*_latency(row).items(), strict=True), "o-", label=row.setting)
    by_percentile.set_title(ours, fontsize=9)
    _name(by_percentile, "percentile", "latency, ms")
    for server in dict.fromkeys(row.server for row in timed):
        points = [
            (row.cells[0].setting.partition("/")[0].replace(",", ""), _latency(row)["p99"])
            for row in timed
            if row.server == server
        ]
        by_rate.plot([float(rate) for rate, _ in points], [ms for _, ms in points], "o-",
                     label=server)  # fmt: skip
    _name(by_rate, "pings/s asked", "latency p99, ms")
    for axes in (by_percentile, by_rate):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.tick_params(axis="y", which="minor", labelsize=6)
        axes.legend(fontsize=7)
    return figure


def _over_connections(all_rows: Sequence[Row]) -> dict[str, list[Row]]:
    """By server, those that were measured with several numbers of connections."""
    found: dict[str, list[Row]] = {}
    for row in sorted(all_rows, key=_open):
        if row.scenario in {"saturation", "connections"}:
            found.setdefault(row.server, []).append(row)
    return {server: own for server, own in found.items() if len(own) > 1}


def _connections(many: dict[str, list[Row]]) -> Figure:
    figure, (rate, cost) = _figure(2)
    for server, own in many.items():
        at = [_open(row) for row in own]
        rate.plot(at, [median(c.rate for c in row.cells) for row in own], "o-", label=server)
        cost.plot(at, [median(c.cost for c in row.cells) for row in own], "o-", label=server)
    _name(rate, "connections", "pings/s")
    _name(cost, "connections", "CPU µs per ping")
    for axes in (rate, cost):
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
    cost.legend(fontsize=7)
    return figure


def _open(row: Row) -> int:
    return row.cells[0].connections
