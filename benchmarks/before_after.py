"""CPU per ping of this tree beside another checkout's, on one Kafka, in turns.

    python -m benchmarks before-after --other DIR

Only the ratio says something: both are measured in the same minutes on the same core.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arguments import above_zero, at_least_one
from benchmarks.peers.ours import Ours
from benchmarks.scenarios.bench import bench, one, warmed
from benchmarks.scenarios.effort import Effort
from benchmarks.scenarios.scenario import Scenario, Setting


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much CPU a ping costs here, in costs of the other: of each round, smallest first."""

    rounds: tuple[float, ...]

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> "Ratio":
        """Of (other, here) in any one unit, round by round."""
        return cls(tuple(sorted(here / other for other, here in pairs)))

    def __str__(self) -> str:
        middle = statistics.median(self.rounds)
        return f"{self.rounds[0]:.3f} - {middle:.3f} - {self.rounds[-1]:.3f}"


class Other(Ours):
    """Our server, as another tree has it."""

    name = "other"


def main(words: Sequence[str]) -> int:
    """Run what the words say; returns the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks before-after", description=__doc__)
    parser.add_argument("--other", type=Path, required=True, help="a checkout of another commit")
    parser.add_argument("--rounds", type=at_least_one, default=8)
    parser.add_argument("--seconds", type=above_zero, default=2)
    parser.add_argument("--connections", type=at_least_one, default=64)
    parsed = parser.parse_args(words)
    scenario = Scenario("before-after", "?", (Setting("saturation", parsed.connections),))
    effort = Effort(parsed.rounds, parsed.seconds, 0.5, 4, 1, warming=8)
    pairs = []
    with tempfile.TemporaryDirectory(prefix="before-after-") as directory:
        for other, here in _run(scenario, effort, parsed.other.resolve(), Path(directory)):
            pairs.append((other, here))
            print(f"{other:6.1f} {here:6.1f} µs  {here / other:.3f}", flush=True)
    print(f"here / other, min - median - max of {len(pairs)} rounds: {Ratio.of(pairs)}")
    return 0


def _run(
    scenario: Scenario, effort: Effort, other: Path, directory: Path
) -> Iterator[tuple[float, float]]:
    """Microseconds of CPU a ping, other and here; who is first changes with each round."""
    trees = {Other.name: other}
    with bench([Other(), Ours()], directory, effort.partitions, trees) as subjects:
        list(warmed(subjects, effort))
        for number in range(1, effort.rounds + 1):
            turn = subjects if number % 2 else subjects[::-1]
            cells = {each.name: one(each, scenario, effort, number) for each in turn}
            yield cells[Other.name].cost, cells[Ours.name].cost
