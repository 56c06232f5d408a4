"""A run under way: what was measured until now is kept, however it ends."""

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from benchmarks.saved import Saved
from benchmarks.scenarios.bench import bench, rounds
from benchmarks.scenarios.cell import Cell, Missed
from benchmarks.scenarios.effort import Pace
from benchmarks.scenarios.extras import Extras, measured
from benchmarks.scenarios.scenario import Turn
from benchmarks.scenarios.warm import Warmth
from benchmarks.scenarios.work import Work

_EVENTS = 20_000
_BAR = "{l_bar}{bar}| {n:.0f} of {total:.0f} s [{elapsed}, about {remaining} left]"


class Course:
    """Does the work, and says how far it is."""

    def __init__(self, work: Work, told: dict[str, object], keep: Callable[[Saved], None]) -> None:
        """`keep` is given all there is after each round and at the end."""
        self._work = work
        self._told = told
        self._keep = keep
        self._cells: list[Cell] = []
        self._warmths: list[Warmth] = []
        self._missed: list[Missed] = []
        self._extras = Extras()
        self._began = time.monotonic()
        size = work.size
        self._seconds = size.estimate(work.effort)
        self._bar = tqdm(total=self._seconds, bar_format=_BAR, smoothing=0, file=sys.stderr)

    def run(self) -> Saved:
        """Measure all that can be; what SIGINT and SIGTERM leave is told as missing."""
        with (
            _stopped_by_sigterm(),
            self._bar,
            tempfile.TemporaryDirectory(prefix="benchmarks-") as directory,
        ):
            try:
                self._all(Path(directory))
            except KeyboardInterrupt:
                self._miss(Missed("what is not in the tables", "the run was stopped"))
        found = self._saved()
        self._keep(found)
        return found

    def _all(self, directory: Path) -> None:
        if self._work.extras:
            self._say("starting servers alone, and counting events")
            self._beside(directory / "extras")
        for number in range(len(self._work.stages)):
            self._say("starting Kafka and the servers")
            self._stage(number, directory / str(number))

    def _beside(self, directory: Path) -> None:
        try:
            self._extras = measured(directory, self._work.effort.extra_rounds, _EVENTS)
        except Exception as error:
            self._miss(Missed("start-up times and the stats reader", str(error) or repr(error)))

    def _stage(self, number: int, directory: Path) -> None:
        stage, effort = self._work.stages[number], self._work.effort
        left = self._began + self._work.minutes * 60 - time.monotonic()
        pace = Pace(
            effort,
            effort.rounds * stage.cells(Turn.ROUNDS),
            self._work.seconds_for(number, left),
        )
        directory.mkdir()
        at = 0
        try:
            with bench(stage.peers, directory, effort.partitions, absent=self._miss) as subjects:
                for found in rounds(subjects, stage.scenarios, effort, pace):
                    self._take(found)
                    if isinstance(found, Cell) and found.round != at:
                        at = found.round
                        self._keep(self._saved(under_way=True))
        except Exception as error:
            names = ", ".join(scenario.name for scenario in stage.scenarios)
            self._miss(Missed(names, f"no bench for it: {str(error) or repr(error)}"))

    def _take(self, found: Cell | Warmth | Missed) -> None:
        if isinstance(found, Missed):
            self._miss(found)
            return
        if isinstance(found, Warmth):
            self._warmths.append(found)
            steady = "steady" if found.steady else "not steady"
            self._say(f"warm-up: {found.server}  {found.costs[-1]:.1f} µs, {steady}")
            return
        self._cells.append(found)
        self._say(
            f"round {found.round}  {found.scenario}, {found.setting}: {found.server}  "
            f"{found.cost:.1f} µs  {found.rate:,.0f}/s"
        )

    def _miss(self, missed: Missed) -> None:
        self._missed.append(missed)
        self._say(f"MISSED {missed}")

    def _say(self, line: str) -> None:
        self._bar.update(min(time.monotonic() - self._began, self._seconds) - self._bar.n)
        self._bar.write(line, file=sys.stderr)

    def _saved(self, under_way: bool = False) -> Saved:
        missed = [str(each) for each in self._missed]
        if under_way:
            missed.append("what is not in the tables: the run had not ended")
        told = self._told | {
            "seconds": round(time.monotonic() - self._began),
            "warm_up": [each.as_dict() for each in self._warmths],
            "missed": missed,
        }
        return Saved(told, list(self._cells), self._extras)


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """As by Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
