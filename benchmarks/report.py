"""What was measured, as Markdown tables. Ratios are taken within a round."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.saved import Saved
from benchmarks.scenarios.cell import Cell
from benchmarks.scenarios.extras import Extras
from benchmarks.scenarios.warm import STEADY, Warmth

YARDSTICK = "nginx empty_gif"
_HEADINGS = (
    "server",
    "CPU µs per ping",
    f"× {YARDSTICK.partition(' ')[0]}, same round",
    "pings/s",
    "partitions",
    "events per batch",
    "lost",
)
_PERCENTILES = ("p50", "p99", "p99.9")


@dataclass(frozen=True, slots=True)
class Row:
    """All rounds of one server under one load."""

    scenario: str
    setting: str
    server: str
    cells: Sequence[Cell]
    ratios: Sequence[float]
    """Cost over the yardstick's in the same round; none where that one did not run."""

    @property
    def load(self) -> str:
        """Scenario and setting, in words."""
        return f"{self.scenario}: {self.setting}"


def rows(cells: Sequence[Cell]) -> list[Row]:
    """Group the rounds, in the order of their first appearance."""
    groups: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.scenario, cell.setting, cell.server), []).append(cell)
    yard = {_round(c): c.cost for c in cells if c.server == YARDSTICK and c.cost > 0}
    return [
        Row(*key, found, [c.cost / yard[where] for c in found if (where := _round(c)) in yard])
        for key, found in groups.items()
    ]


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Least–median–most."""
    parts = (min(values), median(values), max(values))
    return "–".join(f"{value:,.{digits}f}" for value in parts)


def how(saved: Saved) -> str:
    """Return where and how it was measured, and what is missing."""
    lines = [_where(saved)] if "machine" in saved.about else []
    if saved.missed:
        lines += ["**Partial.** Not measured:\n", *(f"- {each}" for each in saved.missed), ""]
    left_out = saved.about.get("left_out", ())
    if left_out:
        lines += ["Left out, to keep to the time there was:\n", *(f"- {e}" for e in left_out), ""]
    warmths = [Warmth.from_dict(each) for each in saved.about.get("warm_up", ())]
    if warmths:
        lines.append(_warm_up(warmths, saved))
    return "\n".join(lines)


def _where(saved: Saved) -> str:
    about, machine = saved.about, saved.about["machine"]
    effort = about.get("effort", {})
    built = {True: ", profile-guided", False: ", **not profile-guided**", None: ""}
    build = built[about.get("profile_guided")]
    hot = {True: ", compiled", False: ", **not compiled**", None: ""}[about.get("compiled")]
    busy = f"**Provisional:** {saved.busy}\n" if saved.busy else ""
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine.get('memory_gb', '?')} GB, Linux "
        f"{machine.get('kernel', '?')}, load {machine['load_before']:.1f} before. Python "
        f"{about.get('python', '?')}{build}{hot}; {about.get('kafka', 'Kafka unknown')}, "
        f"{effort.get('partitions', '?')} partitions. Commit {about.get('commit', 'unknown')}, "
        f"{about.get('date', '?')}, {about.get('seconds', '?')} s in all.\n{busy}"
    )


def _warm_up(warmths: Sequence[Warmth], saved: Saved) -> str:
    seconds = [cell.wall_seconds for cell in saved.cells if not cell.memory and cell.round]
    own = saved.about["effort"]["warm_up"]
    lines = [
        "### warm-up\n",
        "Before its first cell each server had each of the 4,000 user agents once (first piece), "
        "then pings as visitors send them, until two pieces in turn cost the same within "
        f"{STEADY:.0%}. A cell lasts {median(seconds):.1f} s as a rule, after {own:g} s of its "
        "load.\n",
        "| server | pings | seconds | CPU µs per ping, first piece | last two | steady |",
        "|---|--:|--:|--:|--:|---|",
    ]
    lines += (
        f"| {each.server} | {each.pings:,} | {each.seconds:.1f} | {each.costs[0]:.1f} "
        f"| {', '.join(f'{cost:.1f}' for cost in each.costs[1:][-2:])} "
        f"| {'yes' if each.steady else 'no'} |"
        for each in warmths
    )
    return "\n".join(lines) + "\n"


def markdown(cells: Sequence[Cell]) -> str:
    """Return a table for each load."""
    tables: dict[tuple[str, str], list[Row]] = {}
    for row in rows(cells):
        tables.setdefault((row.scenario, row.setting), []).append(row)
    return "\n".join(_table(*key, found) for key, found in tables.items())


def beside(extras: Extras) -> str:
    """Return what was measured beside the rounds."""
    lines = []
    if extras.start_up:
        lines += ["### start-up\n", "| server | seconds to the first answer |", "|---|--:|"]
        lines += [f"| {name} | {spread(took, 2)} |" for name, took in extras.start_up.items()]
    if extras.stats_per_second:
        lines += ["", "### stats reader\n"]
        lines.append(
            f"Events counted in a second of one core, 5,000 sites: "
            f"{spread(extras.stats_per_second, 0)}."
        )
    return "\n".join(lines) + "\n" if lines else ""


def memory(cells: Sequence[Cell]) -> str:
    """Return how memory went over time."""
    watched = [cell for cell in cells if cell.memory]
    if not watched:
        return ""
    lines = [
        "### memory over time\n",
        "| server | load | seconds | MB at first | in the middle | at last | most |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for cell in watched:
        sizes = [size / 1e6 for _, size in cell.memory]
        figures = (sizes[0], sizes[len(sizes) // 2], sizes[-1], max(sizes))
        spelled = " | ".join(f"{size:,.1f}" for size in figures)
        lines.append(f"| {cell.server} | {cell.setting} | {cell.memory[-1][0]:,.0f} | {spelled} |")
    return "\n".join(lines) + "\n"


def _round(cell: Cell) -> tuple[str, str, int]:
    return (cell.scenario, cell.setting, cell.round)


def _table(scenario: str, setting: str, found: Sequence[Row]) -> str:
    timed = any(cell.latency_ms for row in found for cell in row.cells)
    headings = (*_HEADINGS, *(f"{each}, ms" for each in _PERCENTILES if timed))
    lines = [
        f"### {scenario}: {setting}\n",
        f"| {' | '.join(headings)} |",
        f"|---{'|--:' * (len(headings) - 1)}|",
    ]
    lines += (f"| {' | '.join(_columns(row, timed))} |" for row in found)
    return "\n".join(lines) + "\n"


def _columns(row: Row, timed: bool) -> list[str]:
    cells = row.cells
    batches = [cell.batch_events for cell in cells if cell.batch_events is not None]
    lost = [cell.lost for cell in cells if cell.lost is not None]
    # What the generator could not outrun is a lower bound.
    bound = "≥ " if any(cell.doubts for cell in cells) else ""
    columns = [
        row.server,
        spread([cell.cost for cell in cells]),
        spread(row.ratios, 2) if row.ratios else "–",
        f"{bound}{median(cell.rate for cell in cells):,.0f}",
        str(cells[0].partitions or "–"),
        spread(batches, 0) if batches else "–",
        str(sum(lost)) if lost else "–",
    ]
    return columns + [_latency(cells, each) for each in _PERCENTILES if timed]


def _latency(cells: Sequence[Cell], percentile: str) -> str:
    """Of the rounds in which the generator was not in doubt."""
    good = [cell.latency_ms[percentile] for cell in cells if cell.latency_ms and not cell.doubts]
    return spread(good, 2) if good else "not told"
