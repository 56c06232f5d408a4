"""What a load found, from all its processes; or why it says nothing."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.load.latency import Latencies
from benchmarks.load.plan import Kind, Plan
from benchmarks.load.tally import Tally
from benchmarks.load.visitors import ARRAY

BUSY = 0.9
"""Share of a core above which the generator, not the server, sets the pace."""
_SHARE = 0.1
"""What lateness may make up of the latency at the same percentile."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one process found."""

    answers: dict[str, int]
    good: int
    """Answers with a status below 400."""
    latencies: Latencies
    lags: Latencies
    opened: int
    seconds: float
    busy: float
    """Share of a core used."""
    starved: float
    """Share of the time for which it wanted a core and had none."""

    @classmethod
    def of(cls, tally: Tally, seconds: float, busy: float, starved: float) -> Self:
        """Close the books of a run."""
        good = sum(n for (status, _), n in tally.answers.items() if status < b"400")
        named, latencies, lags = tally.named(), tally.latencies, tally.lags
        return cls(named, good, latencies, lags, tally.opened, seconds, busy, starved)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "answers": self.answers,
            "good": self.good,
            "latencies": self.latencies.encode().decode(),
            "lags": self.lags.encode().decode(),
            "opened": self.opened,
            "seconds": self.seconds,
            "busy": self.busy,
            "starved": self.starved,
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        histograms = {name: Latencies(fields[name].encode()) for name in ("latencies", "lags")}
        return cls(**(fields | histograms))


@dataclass(frozen=True, slots=True)
class Result:
    """What all processes found."""

    plan: Plan
    answers: dict[str, int]
    good: int
    latencies: Latencies
    lags: Latencies
    opened: int
    seconds: float
    busiest: float
    """The highest share of a core that one process used or waited for."""

    @classmethod
    def of(cls, plan: Plan, parts: Sequence[Part]) -> Self:
        """Add them up."""
        answers: Counter[str] = Counter()
        latencies, lags = Latencies(), Latencies()
        for part in parts:
            answers.update(part.answers)
            latencies.add(part.latencies)
            lags.add(part.lags)
        return cls(
            plan,
            dict(answers),
            sum(part.good for part in parts),
            latencies,
            lags,
            sum(part.opened for part in parts),
            max(part.seconds for part in parts),
            max(part.busy + part.starved for part in parts),
        )

    @property
    def requests(self) -> int:
        """Requests that are over, answered or not."""
        return sum(self.answers.values())

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds

    @property
    def events(self) -> int:
        """Pings in the requests with a good answer."""
        return self.good * (ARRAY if self.plan.visits.kind is Kind.ARRAY else 1)

    def doubts(self, max_lag: float) -> list[str]:
        """Say why these figures are the generator's and not the server's; none if they are good."""
        doubts = []
        if self.busiest > BUSY:
            doubts.append(
                f"a generator process used or waited for {self.busiest:.0%} of a core (at most "
                f"{BUSY:.0%}): it was the bottleneck; give it more --processes, or cores of its own"
            )
        lag, latency = self.lags.at(99), self.latencies.at(99)
        if lag > max(max_lag, _SHARE * latency):
            doubts.append(
                f"pings were sent {lag * 1e3:.2f} ms late at the 99th percentile (at most "
                f"{max(max_lag, _SHARE * latency) * 1e3:.2f} ms): give it more --processes, "
                "cores of its own, or a lower --rate; or take figures so late by --max-lag"
            )
        return doubts

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "requests": self.requests,
            "good": self.good,
            "events": self.events,
            "answers": self.answers,
            "seconds": self.seconds,
            "rate": self.rate,
            "connections_opened": self.opened,
            "latency_ms": {
                **self.latencies.table(),
                "mean": self.latencies.mean * 1e3,
                "max": self.latencies.most * 1e3,
            },
            "lag_ms": self.lags.table(),
            "generator_busy": self.busiest,
            "histogram": self.latencies.encode().decode(),
        }

    def text(self) -> str:
        """Lines to read."""
        answers = ", ".join(f"{count:,} {how}" for how, count in self.answers.items())
        spans = {**self.latencies.table(), "max": self.latencies.most * 1e3}
        spelled = "   ".join(f"{name} {value:.3g}" for name, value in spans.items())
        since = "sending" if self.plan.rate is None else "the intended time"
        return (
            f"requests   {self.requests:,} in {self.seconds:.1f} s: {self.rate:,.0f} good ones/s\n"
            f"answers    {answers}\n"
            f"latency    {spelled}   (ms, from {since})\n"
            f"generator  {self.busiest:.0%} of a core, {self.lags.at(99) * 1e3:.2f} ms late (p99), "
            f"{self.opened:,} connections opened"
        )


def as_json(plan: Plan, result: Result, doubts: Sequence[str]) -> str:
    """The report; of a result in doubt only the doubts, and how busy and late the generator was."""
    asked = json.loads(plan.as_json())
    said: dict[str, object] = result.as_dict()
    if doubts:
        kept = ("answers", "lag_ms", "generator_busy")
        said = {"refused": list(doubts), **{name: said[name] for name in kept}}
    return json.dumps({"plan": asked, **said}, indent=1, ensure_ascii=False) + "\n"
