"""One server under one load in one round: what was measured."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Missed:
    """What was to be measured, and was not."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


@dataclass(frozen=True, slots=True)
class Cell:
    """Figures of one measurement."""

    scenario: str
    setting: str
    server: str
    round: int
    events: int
    """Pings with a good answer."""
    cpu_seconds: float
    """User and system, of all the server's processes, until the last event had arrived."""
    wall_seconds: float
    answers: dict[str, int]
    latency_ms: dict[str, float] | None = None
    """By percentile; None in a closed loop, which cannot tell."""
    confirmed: int | None = None
    """Events that were answered with success and are to be found; None where none need be."""
    found: int | None = None
    """Events that were found; None where nothing is stored."""
    batches: int | None = None
    partitions: int | None = None
    doubts: list[str] = field(default_factory=list)
    """Why rate and latency are the generator's and not the server's."""
    stored_bytes: int | None = None
    """On the disk, of one replica."""
    memory: list[tuple[float, int]] = field(default_factory=list)
    """Seconds since the begin, and resident bytes; where memory is the question."""
    connections: int = 0

    @property
    def cost(self) -> float:
        """CPU µs per ping."""
        return self.cpu_seconds / self.events * 1e6 if self.events else float("nan")

    @property
    def rate(self) -> float:
        """Good pings a second."""
        return self.events / self.wall_seconds

    @property
    def batch_events(self) -> float | None:
        """Events per batch."""
        return self.found / self.batches if self.found and self.batches else None

    @property
    def lost(self) -> int | None:
        """Confirmed and not found."""
        if self.confirmed is None or self.found is None:
            return None
        return max(self.confirmed - self.found, 0)

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        known = {each.name: said[each.name] for each in fields(cls) if each.name in said}
        known["memory"] = [(second, size) for second, size in known.get("memory", [])]
        return cls(**known)

    def as_dict(self) -> dict[str, object]:
        """For JSON, with what follows from the figures."""
        derived = {"cost_us": self.cost, "rate": self.rate, "batch_events": self.batch_events}
        return asdict(self) | derived | {"lost": self.lost}
