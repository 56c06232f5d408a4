"""What was measured, as a Markdown table and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

YARDSTICK = "nginx empty_gif"


@dataclass(frozen=True, slots=True)
class Cell:
    """One server, one number of connections, one round."""

    server: str
    connections: int
    round: int
    requests: int
    cpu_seconds: float
    wall_seconds: float
    partitions: int | None = None
    batches: float | None = None
    reopened: int = 0
    """Connections that the server closed after an answer, as it had announced."""

    @property
    def cost(self) -> float:
        """CPU µs per ping."""
        return self.cpu_seconds / self.requests * 1e6

    @property
    def rate(self) -> float:
        """Pings a second, as far as one core and the closed loop went."""
        return self.requests / self.wall_seconds

    @property
    def batch_events(self) -> float | None:
        """Events per batch."""
        return self.requests / self.batches if self.batches else None


@dataclass(frozen=True, slots=True)
class Row:
    """All rounds of one server with one number of connections."""

    server: str
    connections: int
    cells: Sequence[Cell]
    ratios: Sequence[float]
    """Cost over nginx's in the same round."""


def rows(cells: Sequence[Cell]) -> list[Row]:
    """Group the rounds, in the order of their first appearance."""
    groups: dict[tuple[str, int], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.server, cell.connections), []).append(cell)
    yard = {(c.connections, c.round): c.cost for c in cells if c.server == YARDSTICK}
    return [
        Row(server, connections, found, [c.cost / yard[connections, c.round] for c in found])
        for (server, connections), found in groups.items()
    ]


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Least–median–most."""
    parts = (min(values), median(values), max(values))
    return "–".join(f"{value:.{digits}f}" for value in parts)


def markdown(cells: Sequence[Cell]) -> str:
    """Return the table."""
    lines = [
        "| server | connections | CPU µs per ping | × nginx, same round | partitions "
        "| events per batch | pings/s |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += map(_line, sorted(rows(cells), key=lambda row: row.connections))
    return "\n".join(lines) + "\n"


def as_json(cells: Sequence[Cell], about: dict[str, object]) -> str:
    """Return everything, for programs."""
    listed = [
        asdict(cell) | {"cost_us": cell.cost, "batch_events": cell.batch_events} for cell in cells
    ]
    return json.dumps({"about": about, "cells": listed}, indent=1, ensure_ascii=False) + "\n"


def _line(row: Row) -> str:
    costs = spread([cell.cost for cell in row.cells])
    partitions = row.cells[0].partitions
    batches = [cell.batch_events for cell in row.cells if cell.batch_events is not None]
    columns = (
        row.server,
        str(row.connections),
        costs,
        spread(row.ratios, 2),
        str(partitions or "–"),
        spread(batches, 0) if batches else "–",
        f"{median(cell.rate for cell in row.cells):,.0f}",
    )
    return f"| {' | '.join(columns)} |"
