"""What a run does, in which order, and how long it takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.peers.peer import Peer
from benchmarks.scenarios.bench import asked
from benchmarks.scenarios.effort import Effort, Size, fitted
from benchmarks.scenarios.scenario import Scenario, Turn

_LONG_SHARE, _LONG_LEAST = 0.1, 60.0
"""Of the time there is, what a long cell may take where not all fits; and seconds, at least."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is measured on one bench."""

    peers: Sequence[Peer]
    scenarios: Sequence[Scenario]

    @classmethod
    def of(cls, present: Sequence[Peer], scenarios: Sequence[Scenario]) -> "Stage":
        """With those servers that have a part in it."""
        peers = [peer for peer in present if any(asked(peer, each) for each in scenarios)]
        return cls(peers, scenarios)

    def cells(self, turn: Turn) -> int:
        """Of a round, or of what comes once."""
        return sum(
            len(scenario.settings)
            for scenario in self.scenarios
            for peer in self.peers
            if scenario.turn is turn and asked(peer, scenario)
        )


@dataclass(frozen=True, slots=True)
class Work:
    """All that a run does."""

    stages: Sequence[Stage]
    effort: Effort
    minutes: float
    extras: bool
    left_out: Sequence[str] = ()
    """What belongs to it and does not fit into the time."""

    @property
    def size(self) -> Size:
        """How much it is."""
        cold, cells, long = (sum(stage.cells(turn) for stage in self.stages) for turn in Turn)
        servers = sum(len(stage.peers) for stage in self.stages)
        return Size(cells, long, len(self.stages), self.extras, servers, cold)

    def seconds_for(self, number: int, left: float) -> float:
        """What the rounds of a stage may take of the seconds that are left when it begins.

        The extras are behind it then.
        """
        rest = Work(self.stages[number:], self.effort, self.minutes, extras=False)
        share = self.stages[number].cells(Turn.ROUNDS) / max(rest.size.cells, 1)
        return (left - rest.size.fixed(self.effort)) * share

    def fitted(self) -> "Work":
        """The same in the time there is. Raises ValueError where nothing helps.

        Cells are shortened; if that is not enough, long ones too; and at last scenarios are
        narrowed, which `left_out` tells.
        """
        long = max(self.minutes * 60 * _LONG_SHARE, _LONG_LEAST)
        hurried = replace(
            self, effort=replace(self.effort, long_seconds=min(long, self.effort.long_seconds))
        )
        for tried in (self, hurried):
            try:
                return replace(tried, effort=fitted(tried.effort, tried.size, self.minutes))
            except ValueError:
                continue
        narrow = hurried._narrowed()
        return replace(narrow, effort=fitted(narrow.effort, narrow.size, self.minutes))

    def text(self) -> str:
        """What will be done, and how long it will take."""
        size, effort = self.size, self.effort
        lines = [
            f"{effort.rounds} rounds of {size.cells} cells of {effort.seconds:.1f} s each; "
            f"{size.long_cells} long cells of {effort.long_seconds:.0f} s; each server warmed for "
            f"{effort.warming:g} s at most; about {size.estimate(effort) / 60:.0f} minutes, at "
            f"most {self.minutes:g}:"
        ]
        for stage in self.stages:
            for each in stage.scenarios:
                servers = sum(asked(peer, each) for peer in stage.peers)
                loads = ", ".join(setting.name for setting in each.settings)
                lines.append(f"  {each.name} ({loads}): {servers} servers. {each.question}")
        if self.extras:
            lines.append("  start-up times and the stats reader")
        lines += [f"  left out, for it does not fit: {each}" for each in self.left_out]
        return "\n".join(lines)

    def _narrowed(self) -> "Work":
        stages = [
            Stage.of(stage.peers, [each.narrowed() for each in stage.scenarios])
            for stage in self.stages
        ]
        return replace(self, stages=stages, left_out=list(_less(self.stages, stages)))


def _less(before: Sequence[Stage], after: Sequence[Stage]) -> Iterator[str]:
    """What one has and the other has not, by scenario."""
    for full, narrow in zip(before, after, strict=True):
        for each, kept in zip(full.scenarios, narrow.scenarios, strict=True):
            loads = [s.name for s in each.settings if s not in kept.settings]
            servers = [p.name for p in full.peers if asked(p, each) and not asked(p, kept)]
            if loads or servers:
                yield f"{each.name}: {', '.join((*loads, *servers))}"
