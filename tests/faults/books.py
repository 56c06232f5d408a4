"""Compares `/metrics` of a collector's lives with what its senders heard and what was found.

A life that was ended by force took its last numbers with it: of that one only bounds are known.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.support.metrics import Metrics

Answered = Counter[tuple[str, str]]
"""Answers by route and outcome."""
BEACON_ROUTES = ("p.gif", "e")
_CONFIRMED = "stored"


@dataclass(frozen=True, slots=True)
class Life:
    """One process, from its start to its end, or to now."""

    metrics: Metrics
    """The last scrape."""
    whole: bool
    """Whether nothing happened after it: nothing was under way, and nothing waited for Kafka."""


@dataclass(slots=True)
class Heard:
    """What all senders were told."""

    answered: Answered = field(default_factory=Answered)
    events: Counter[str] = field(default_factory=Counter)
    """Events by outcome; a request may carry several."""
    unanswered: int = 0
    """Pings, of one event each, whose sender heard nothing."""

    def note(self, route: str, outcome: str, events: int = 1) -> None:
        """Take in one answer."""
        self.answered[route, outcome] += 1
        self.events[outcome] += events


@dataclass(frozen=True, slots=True)
class Log:
    """What was found, of all sites."""

    copies: int
    duplicates: int
    """Copies beyond the first."""
    damaged: int = 0
    """Events that were there, and that a damaged file took."""
    lost: int = 0
    """Events that a damaged file of the spool took, and that the collector could count."""


def differences(lives: Sequence[Life], heard: Heard, log: Log) -> list[str]:
    """What does not add up, in words; nothing when the books agree."""
    whole = all(life.whole for life in lives)
    checks = [
        _answers(lives, heard, whole),
        _confirmed(lives, heard, whole),
        _copies(lives, log, whole),
        _spools(lives),
        _losses(lives, log, whole),
    ]
    return [difference for found in checks for difference in found]


def _sum(lives: Sequence[Life], *names: str) -> int:
    return int(sum(life.metrics[f"beacon_{name}"] for life in lives for name in names))


def _answers(lives: Sequence[Life], heard: Heard, whole: bool) -> list[str]:
    """Each answer counted was heard, or lost on its way; and each that was heard is counted."""
    counted = Answered()
    for life in lives:
        counted += life.metrics.answered(BEACON_ROUTES)
    found = []
    unheard = counted - heard.answered  # of each, what is above 0
    if unheard.total() > heard.unanswered:
        found.append(f"answers counted, and heard by nobody: {dict(unheard)}")
    if whole and (missing := heard.answered - counted):
        found.append(f"answers heard, and not counted: {dict(missing)}")
    return found


def _confirmed(lives: Sequence[Life], heard: Heard, whole: bool) -> list[str]:
    """`direct` and `spooled` are what senders were told is stored."""
    counted = _sum(lives, "events_direct_total", "events_spooled_total")
    told = heard.events[_CONFIRMED]
    if counted > told + heard.unanswered:
        return [f"{counted} events direct or spooled, {told} confirmed"]
    if whole and counted < told:
        return [f"{told} events confirmed, {counted} direct or spooled"]
    return []


def _copies(lives: Sequence[Life], log: Log, whole: bool) -> list[str]:
    """Each event `direct` or `replayed` is found, and what is found beyond is a second copy.

    A batch that arrived though it was given up is either spooled, and then found twice, or its
    senders were told `failed`. So without either the numbers are equal.
    """
    counted = _sum(lives, "events_direct_total", "spool_events_replayed_total")
    beyond = log.copies + log.damaged - counted
    if beyond < 0:
        return [f"{counted} events direct or replayed, {log.copies} copies found"]
    most = log.duplicates + _sum(lives, "events_failed_total")
    if whole and beyond > most:
        return [f"{beyond} copies more than were direct or replayed; {most} can be explained"]
    return []


def _spools(lives: Sequence[Life]) -> list[str]:
    """What waited at an orderly end waits at the next start, unless it was lost, and said so."""
    found = []
    for before, after in pairwise(lives):
        left = before.metrics["beacon_spool_events_waiting"]
        taken = ("waiting_at_start", "lost", "expired_total")
        there = sum(after.metrics[f"beacon_spool_events_{name}"] for name in taken)
        if before.whole and there < left:
            found.append(f"{left} events were left in the spool, {there} were there at the start")
    return found


def _losses(lives: Sequence[Life], log: Log, whole: bool) -> list[str]:
    """The spool lost what was damaged on purpose, said so, and nothing came of age in a test.

    Else the equation of the spool could not fail: what it lost counts as never found.
    """
    lost, expired = _sum(lives, "spool_events_lost"), _sum(lives, "spool_events_expired_total")
    found = []
    if lost > log.lost or (whole and lost < log.lost):
        found.append(f"{lost} events of the spool lost, {log.lost} were damaged")
    if any(life.metrics["beacon_spool_events_lost"] < 0 for life in lives):
        found.append("more was in the spool than was found at the start")
    if expired:
        found.append(f"{expired} events of the spool expired")
    return found
