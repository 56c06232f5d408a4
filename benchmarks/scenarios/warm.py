"""Brings a server to its usual cost before it is measured: its caches full, as in production.

The same for every server, whatever it remembers: each user agent there is once, then pings as
visitors send them, until two pieces in turn cost the same.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from benchmarks.load.agents import POOL
from benchmarks.load.plan import Plan, Target, Visits
from benchmarks.scenarios.cell import Cell
from benchmarks.scenarios.measure import Subject, Where, measure

CONNECTIONS = 512
STEADY = 0.1
"""What the cost of two pieces may differ by."""
_PIECE, _LONGEST = 1.0, 10.0
"""Seconds of a piece; and of the first, in which a slow server, too, sees every user agent."""
_NAME = "warm-up"


@dataclass(frozen=True, slots=True)
class Warmth:
    """How a server was warmed."""

    server: str
    pings: int
    seconds: float
    costs: Sequence[float]
    """CPU µs per ping of each piece, in order."""
    steady: bool
    """Whether the last two were alike; if not, the time for it was over."""
    lost: int

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(**said)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


async def warm(subject: Subject, core: int, at_most: float, seed: int) -> Warmth:
    """Send pings from `core` until the server's cost is steady; begin no piece after `at_most`."""
    began = time.monotonic()
    cells = [await _piece(subject, core, seed, _LONGEST, POOL)]
    while not _steady(cells) and time.monotonic() - began < at_most:
        cells.append(await _piece(subject, core, seed + len(cells), _PIECE, None))
    return Warmth(
        subject.name,
        sum(cell.events for cell in cells),
        time.monotonic() - began,
        [cell.cost for cell in cells],
        _steady(cells),
        sum(cell.lost or 0 for cell in cells),
    )


def _steady(cells: Sequence[Cell]) -> bool:
    """The first is of user agents that are new: nothing is alike to it."""
    if len(cells) < 3:
        return False
    before, last = (cell.cost for cell in cells[-2:])
    return abs(last / before - 1) <= STEADY


async def _piece(
    subject: Subject, core: int, seed: int, seconds: float, agents: int | None
) -> Cell:
    """`agents`: so many pings, each with a user agent of its own; None: as visitors come."""
    visits = Visits(opt_outs=0.0, seed=seed)
    if agents is not None:
        visits = replace(visits, prepared=agents, each_agent=True)
    plan = Plan(
        Target.of(subject.server.url), visits, None, seconds, 0.0, CONNECTIONS, limit=agents,
        kept=str(subject.kept / _NAME),
    )  # fmt: skip
    return await measure(subject, plan, core, Where(_NAME, "", 0))
