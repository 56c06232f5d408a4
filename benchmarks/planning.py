"""`python -m benchmarks plan RESULTS.json`: what a rate needs, by the figures of a run.

It writes `docs/planning.md` (with `--write`), which says every formula.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median

from benchmarks.peers.ours import Ours
from benchmarks.peers.peer import ROOT
from benchmarks.report import Row, rows
from benchmarks.saved import NoResults, Saved

DOCUMENT = ROOT / "docs" / "planning.md"
TEMPLATE = Path(__file__).with_name("planning.template.md")
RATES = (10_000, 100_000, 1_000_000)
_LOAD = ("saturation", "512 connections")
_DAY = 86_400
_DAYS = 20
_HEADINGS = (
    "pings/s at the peak", "collector cores", "machines", "partitions",
    "topics, stats processes", "brokers", "disk for 20 days", "public network in", "out",
    "onto Kafka's brokers",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of a run."""

    cpu_us: float
    """Of a ping, by all of a collector's processes."""
    event_bytes: float
    """On Kafka's disk, compressed, of one replica."""
    request_bytes: float
    answer_bytes: float
    stats_per_second: float
    """Events that one core of the stats reader counts."""

    @classmethod
    def of(cls, saved: Saved) -> "Measured":
        """Take them from a run; raises `NoResults` saying which is missing."""
        extras = saved.extras
        if not extras.stats_per_second or not extras.request_bytes:
            raise NoResults("the run did not measure the stats reader and the bytes of a ping")
        row = _ours(saved)
        sizes = [c.stored_bytes / c.found for c in row.cells if c.stored_bytes and c.found]
        if not sizes:
            raise NoResults(f"the run did not measure what {Ours.name} takes on the disk")
        return cls(
            median(cell.cost for cell in row.cells),
            median(sizes),
            extras.request_bytes,
            extras.answer_bytes,
            median(extras.stats_per_second),
        )


@dataclass(frozen=True, slots=True)
class Assumed:
    """What nobody measured: change it to what is yours."""

    busy: float = 0.5
    """Share of a core that the peak may use: the rest is for a restart, and a slow minute."""
    cores: int = 16
    """Of a machine."""
    spare: int = 1
    """Machines that may be away."""
    mean: float = 0.5
    """Mean rate of a day over that of its peak."""
    replicas: int = 3
    partitions: int = 6
    """Of each topic."""
    frames: float = 250.0
    """Bytes of Ethernet, IP, TCP and acknowledgements of a ping, each way, on a kept connection."""
    broker_bytes: float = 50e6
    """Bytes a second that a broker is trusted to write."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a rate needs."""

    rate: int
    cores: int
    machines: int
    partitions: int
    topics: int
    """Each with a stats process, which reads all of it on one core."""
    brokers: int
    disk_bytes: float
    network_in: float
    """Bits a second."""
    network_out: float
    kafka_in: float
    """Bits a second, all replicas."""


def needs(rate: int, found: Measured, given: Assumed) -> Needs:
    """The formulas of docs/planning.md."""
    cores = ceil(rate * found.cpu_us / 1e6 / given.busy)
    readers = ceil(rate / (found.stats_per_second * given.busy))
    written = rate * found.event_bytes * given.replicas
    return Needs(
        rate,
        cores,
        ceil(cores / given.cores) + given.spare,
        given.partitions * readers,
        readers,
        max(given.replicas, ceil(written / given.broker_bytes)),
        written * given.mean * _DAY * _DAYS,
        rate * (found.request_bytes + given.frames) * 8,
        rate * (found.answer_bytes + given.frames) * 8,
        written * 8,
    )


def document(saved: Saved, given: Assumed | None = None) -> str:
    """Return all of docs/planning.md. Raises `NoResults`."""
    given = given or Assumed()
    found = Measured.of(saved)
    row = _ours(saved)
    batches = [cell.batch_events for cell in row.cells if cell.batch_events]
    table = [f"| {' | '.join(_HEADINGS)} |", f"|{'--:|' * len(_HEADINGS)}"]
    table += [_line(needs(rate, found, given)) for rate in RATES]
    machine = saved.about.get("machine", {})
    values = {
        "cpu": f"{found.cpu_us:.1f}",
        "event": f"{found.event_bytes:.0f}",
        "request": f"{found.request_bytes:.0f}",
        "answer": f"{found.answer_bytes:.0f}",
        "stats": f"{found.stats_per_second:,.0f}",
        "batch": f"{median(batches):.0f}" if batches else "unknown",
        "partitions": str(row.cells[0].partitions),
        "rounds": str(len(row.cells)),
        "machine": f"{machine.get('cpu')}, {machine.get('cores')} cores",
        "load": f"{machine.get('load_before', 0):.1f}",
        "commit": str(saved.about.get("commit", "unknown"))[:12],
        "date": str(saved.about.get("date", "unknown"))[:10],
        "memory": _memory(saved),
        "table": "\n".join(table),
        "busy": f"**Provisional:** {saved.busy}\n\n" if saved.busy else "",
        "share": f"{given.busy:.0%}",
        "cores": str(given.cores),
        "spare": str(given.spare),
        "mean": f"{given.mean:.0%}",
        "replicas": str(given.replicas),
        "least": str(given.partitions),
        "frames": f"{given.frames:.0f}",
        "broker": f"{given.broker_bytes / 1e6:.0f}",
    }
    text = TEMPLATE.read_text()
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 2 if the results do not tell enough."""
    parser = argparse.ArgumentParser(prog="benchmarks plan", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--write", action="store_true", help=f"to {DOCUMENT.relative_to(ROOT)}")
    parsed = parser.parse_args(arguments)
    try:
        text = document(Saved.load(parsed.results))
    except NoResults as error:
        print(f"plan: {error}", file=sys.stderr)
        return 2
    if parsed.write:
        DOCUMENT.write_text(text)
    else:
        print(text, end="")
    return 0


def _ours(saved: Saved) -> Row:
    for row in rows(saved.cells):
        if (row.scenario, row.setting, row.server) == (*_LOAD, Ours.name):
            return row
    raise NoResults(f"the run did not measure {Ours.name} under {': '.join(_LOAD)}")


def _memory(saved: Saved) -> str:
    sizes = [size for cell in saved.cells if cell.server == Ours.name for _, size in cell.memory]
    return f"{max(sizes) / 1e6:.0f} MB" if sizes else "not measured"


def _line(need: Needs) -> str:
    values = (
        f"{need.rate:,}", f"{need.cores:,}", f"{need.machines:,}", f"{need.partitions:,}",
        f"{need.topics:,}", f"{need.brokers:,}", _amount(need.disk_bytes, "B"),
        _amount(need.network_in, "bit/s"), _amount(need.network_out, "bit/s"),
        _amount(need.kafka_in, "bit/s"),
    )  # fmt: skip
    return f"| {' | '.join(values)} |"


def _amount(value: float, unit: str) -> str:
    for prefix in ("", "k", "M", "G", "T"):
        if value < 1_000:
            return f"{value:.3g} {prefix}{unit}"
        value /= 1_000
    return f"{value:,.3g} P{unit}"
