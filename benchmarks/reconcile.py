"""The books of numbered pings: what was sent, what was answered, what was found of it.

What counts:

    lost        confirmed by a success answer, and not found: must be 0
    phantoms    found, and never sent: must be 0
    duplicates  found more than once: may be after a fault, consumers drop them by id
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TextIO
from urllib.parse import urlencode

import aiohttp

from benchmarks.load import tally as how

NO_ANSWER = "no answer"
_CONFIRMED = "stored"


@dataclass(slots=True)
class Answers:
    """What was sent, and what was said about it."""

    site: str
    sent: list[str] = field(default_factory=list)
    """Ids, in order."""
    outcomes: dict[str, str] = field(default_factory=dict)
    """`Beacon-Outcome`, or `no answer`, by id."""
    slowest: list[float] = field(default_factory=list)
    """Seconds from the intended send to the answer of each ping, in the order of answers."""
    unanswered: Counter[str] = field(default_factory=Counter)
    """Why there was no answer, in the words of the load generator."""
    written: TextIO | None = None
    """Where each id and outcome is written down as it comes, so that a killed run leaves them."""

    def note(self, event_id: str, outcome: str) -> None:
        """Write down an answer."""
        self.outcomes[event_id] = outcome
        if self.written is not None:
            self.written.write(f"{event_id}\t{outcome}\n")

    @property
    def confirmed(self) -> set[str]:
        """Ids whose sender was told that they are stored."""
        return {event_id for event_id, how in self.outcomes.items() if how == _CONFIRMED}

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 were answered or given up; 0 when none was sent."""
        in_order = sorted(self.slowest)
        return in_order[int(0.99 * len(in_order))] if in_order else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """The books, closed."""

    sent: int
    confirmed: int
    found: int
    """Different ids."""
    lost: int
    phantoms: int
    duplicates: int
    """Copies beyond the first."""
    outcomes: dict[str, int]
    unanswered: dict[str, int] = field(default_factory=dict)
    """Of those without an answer, why there was none."""

    @property
    def good(self) -> bool:
        """Whether nothing is lost and nothing came from nowhere."""
        return self.lost == 0 and self.phantoms == 0

    @property
    def copies(self) -> int:
        """All that was found, duplicates too."""
        return self.found + self.duplicates

    def text(self) -> str:
        """Lines to read."""
        why = f"; no answer: {_listed(self.unanswered)}" if self.unanswered else ""
        return (
            f"sent        {self.sent}  ({_listed(self.outcomes)}{why})\n"
            f"confirmed   {self.confirmed}\n"
            f"found       {self.found}\n"
            f"lost        {self.lost}\n"
            f"phantoms    {self.phantoms}\n"
            f"duplicates  {self.duplicates}"
        )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {how}" for how, count in sorted(counts.items()))


def reconcile(answers: Answers, found: Iterable[str]) -> Report:
    """Compare what was confirmed with the ids that were found, each as often as it was."""
    counts = Counter(found)
    confirmed, sent = answers.confirmed, set(answers.sent)
    return Report(
        len(answers.sent),
        len(confirmed),
        len(counts),
        len(confirmed - counts.keys()),
        len(counts.keys() - sent),
        counts.total() - len(counts),
        dict(Counter(answers.outcomes.values())),
        dict(answers.unanswered),
    )


def together(reports: Iterable[Report]) -> Report:
    """Add up the books of several sites."""
    each = list(reports)
    outcomes: Counter[str] = Counter()
    unanswered: Counter[str] = Counter()
    for report in each:
        outcomes.update(report.outcomes)
        unanswered.update(report.unanswered)
    return Report(
        sum(report.sent for report in each),
        sum(report.confirmed for report in each),
        sum(report.found for report in each),
        sum(report.lost for report in each),
        sum(report.phantoms for report in each),
        sum(report.duplicates for report in each),
        dict(outcomes),
        dict(unanswered),
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """How to send."""

    rate: float
    """Pings a second, by the clock: a slow answer holds no later ping back."""
    seconds: float
    timeout: float = 20.0
    """Seconds to wait for an answer."""


async def send(
    url: str,
    pace: Pace,
    answers: Answers,
    on_sent: Callable[[], object] = lambda: None,
    wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Send pings at a pace, while they are wanted; returns once each is answered or given up."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=pace.timeout)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number in range(int(pace.rate * pace.seconds)):
                if not wanted():
                    break
                due = begin + number / pace.rate
                await asyncio.sleep(max(due - loop.time(), 0))
                tasks.create_task(_ping(session, url, answers, due))
                on_sent()


async def _ping(session: aiohttp.ClientSession, url: str, answers: Answers, due: float) -> None:
    event_id = str(uuid.uuid4())
    answers.sent.append(event_id)
    query = urlencode({"s": answers.site, "id": event_id, "u": f"https://a.example/{event_id}"})
    outcome = NO_ANSWER
    try:
        async with session.get(f"{url}/p.gif?{query}") as response:
            outcome = response.headers.get("Beacon-Outcome", f"status {response.status}")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        answers.unanswered[_why(error)] += 1
    answers.note(event_id, outcome)
    answers.slowest.append(asyncio.get_running_loop().time() - due)


def _why(error: Exception) -> str:
    """What became of a ping without an answer."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return how.unconnected(error.os_error)
    if isinstance(error, TimeoutError):
        return how.TIMEOUT
    if isinstance(error, aiohttp.ClientPayloadError):
        return how.CUT
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return how.CLOSED
    return how.RESET if isinstance(error, OSError) else how.BROKEN
