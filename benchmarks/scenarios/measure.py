"""Measures one server under one load."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu import pinned
from benchmarks.load.generate import Generator
from benchmarks.load.plan import Kind, Plan
from benchmarks.load.result import Result
from benchmarks.load.visitors import ARRAY
from benchmarks.peers.peer import Running
from benchmarks.scenarios.books import Books
from benchmarks.scenarios.cell import Cell

_POLL = 0.1
_PATIENCE = 5.0
"""Seconds without a new event after which no more is waited for."""
_MAX_LAG = 0.001


class NoAnswers(Exception):
    """There is nothing to divide by; the message says what came instead."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A server under test, and where its events are found."""

    server: Running
    books: Books
    partitions: int | None
    kept: Path
    """Where requests stay that are sent to others too."""

    @property
    def name(self) -> str:
        """The server's."""
        return self.server.peer.name


@dataclass(frozen=True, slots=True)
class Where:
    """Which cell this is."""

    scenario: str
    setting: str
    round: int


async def measure(
    subject: Subject, plan: Plan, core: int, where: Where, look: float | None = None
) -> Cell:
    """Send the load from `core`, wait until all events have arrived, and close the books.

    `look`: seconds between two looks at the server's memory; None: none.
    """
    before = subject.books.read()
    async with Generator(plan) as generator:
        with pinned({core}):
            warm_up = await generator.prepare()
        expected = _confirmed(warm_up, plan, subject)
        await _settled(subject, before.records + (expected or 0))
        before, used = subject.books.read(), subject.server.cpu_seconds()
        memory: list[tuple[float, int]] = []
        watch = asyncio.create_task(_watch(subject.server, look, memory))
        result = await generator.run()
        watch.cancel()
    if not result.events:
        raise NoAnswers(f"no good answer, but {result.answers}")
    confirmed = _confirmed(result.answers, plan, subject)
    if not subject.server.peer.does.waits:
        await _settled(subject, before.records + (confirmed or 0))
    used = subject.server.cpu_seconds() - used
    await _settled(subject, before.records + (confirmed or 0))
    found = subject.books.read() - before
    stores = subject.partitions is not None
    return Cell(
        where.scenario,
        where.setting,
        subject.name,
        where.round,
        result.events,
        used,
        result.seconds,
        result.answers,
        _latencies(result),
        confirmed,
        found.records if stores else None,
        found.batches if stores else None,
        subject.partitions,
        result.doubts(_MAX_LAG),
        found.size if stores else None,
        memory,
        plan.connections,
    )


async def _watch(server: Running, every: float | None, memory: list[tuple[float, int]]) -> None:
    began = time.monotonic()
    while every is not None:
        memory.append((time.monotonic() - began, server.resident()))
        await asyncio.sleep(every)


def _latencies(result: Result) -> dict[str, float] | None:
    return None if result.plan.rate is None else result.latencies.table()


def _confirmed(answers: dict[str, int], plan: Plan, subject: Subject) -> int | None:
    """Events that must be found; None where the answers do not tell, or nothing is stored."""
    if subject.partitions is None:
        return None
    events = ARRAY if plan.visits.kind is Kind.ARRAY else 1
    stored = sum(count for how, count in answers.items() if how.endswith(" stored"))
    if stored or subject.server.peer.does.cleans:
        return stored * events
    if plan.visits.opt_outs:
        return None
    return sum(count for how, count in answers.items() if how[:1] == "2") * events


async def _settled(subject: Subject, records: int) -> None:
    """Wait until so many have arrived, or no more do."""
    seen, since = -1, time.monotonic()
    while (found := subject.books.read().records) < records:
        if found > seen:
            seen, since = found, time.monotonic()
        if time.monotonic() - since > _PATIENCE:
            return
        await asyncio.sleep(_POLL)
