"""A small result, as a run would have saved it. Its numbers are made up and even."""

from benchmarks.report import YARDSTICK
from benchmarks.saved import Saved
from benchmarks.scenarios.cell import Cell
from benchmarks.scenarios.extras import Extras

OURS = "ours on Kafka"
RUST = "Rust axum + rdkafka"
_COST = {YARDSTICK: 10, OURS: 30, RUST: 40}
"""CPU µs per ping."""
_PERCENTILES = ("p50", "p75", "p90", "p99", "p99.9", "p99.99")


def saved(factor: float = 1.0) -> Saved:
    """Two rounds; ours costs `factor` times as much."""
    cells = [
        cell
        for number in (1, 2)
        for server in _COST
        for cell in (
            _cell("saturation", 64, server, number, factor),
            _cell("saturation", 512, server, number, factor),
            _timed(1_000, server, number),
            _timed(2_000, server, number),
        )
    ]
    memory = [(0.0, 50_000_000), (1.0, 52_000_000), (2.0, 52_000_000)]
    cells.append(_timed(1_000, OURS, 1, scenario="memory", memory=memory))
    extras = Extras({OURS: [0.4, 0.5, 0.6]}, [100_000.0, 90_000.0, 110_000.0], 650.0, 350.0)
    return Saved(_ABOUT, cells, extras)


def _cell(scenario: str, connections: int, server: str, number: int, factor: float) -> Cell:
    cost = _COST[server] * (factor if server == OURS else 1.0)
    setting, stores = f"{connections} connections", server != YARDSTICK
    found = 1_000_000 if stores else None
    return Cell(
        scenario, setting, server, number, 1_000_000, cost, 50.0, {"200": 1_000_000}, None,
        found, found, 10_000 if stores else None, 4 if stores else None, [],
        200_000_000 if stores else None, [], connections,
    )  # fmt: skip


def _timed(rate: int, server: str, number: int, scenario: str = "latency", **more) -> Cell:
    times = {name: (at + 1) * rate / 1_000 for at, name in enumerate(_PERCENTILES)}
    return Cell(
        scenario, f"{rate:,}/s", server, number, 5_000, 0.1, 5.0, {"200": 5_000}, times,
        connections=512, **more,
    )  # fmt: skip


_ABOUT = {
    "date": "2026-11-24T12:00:00+00:00",
    "commit": "0123456789abcdef",
    "machine": {"cpu": "A processor", "cores": 2, "load_before": 0.25},
    "servers": {
        YARDSTICK: {"version": "nginx 1", "missing": None, "does_not": ["no Kafka", "no opt-out"]},
        OURS: {"version": "1", "missing": None, "does_not": []},
        RUST: {"version": "1", "missing": None, "does_not": ["checks and cleans nothing"]},
        "absent": {"version": None, "missing": "not built", "does_not": []},
    },
}
