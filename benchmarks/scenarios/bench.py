"""The bench: a broker and all servers, each in its place, and the rounds that go over them."""

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from benchmarks.broker import Broker, running_broker
from benchmarks.cpu import pinned
from benchmarks.descriptors import allow_all
from benchmarks.link import Link
from benchmarks.peers.peer import ROOT, Peer, Place, Reach, create_topics, free_port, running
from benchmarks.scenarios.books import books
from benchmarks.scenarios.cell import Cell, Missed
from benchmarks.scenarios.effort import Effort, Pace
from benchmarks.scenarios.measure import Subject, Where, measure
from benchmarks.scenarios.scenario import Scenario, Setting, Turn
from benchmarks.scenarios.warm import Warmth, warm

DELAY = 0.025
"""Seconds that each word takes to a slow Kafka, and back."""
_LOOKS = 200
"""At memory, in a long cell."""
_COLD_SECONDS = 10.0
"""For the first pings of a server at most."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Where things run."""

    server: int
    load: int
    broker: frozenset[int]


def cores() -> Cores:
    """The servers' core, the generator's, and Kafka's: beside the generator where there are two."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        raise ValueError("two cores are needed, one of them for the server alone")
    return Cores(available[0], available[1], frozenset(available[2:] or available[1:]))


Case = tuple[Subject, Scenario, Setting]
"""A server, and the load it is to have."""


@contextmanager
def bench(
    peers: Sequence[Peer],
    directory: Path,
    partitions: int,
    trees: Mapping[str, Path] = MappingProxyType({}),
    absent: Callable[[Missed], object] | None = None,
) -> Iterator[list[Subject]]:
    """Run a broker and all servers until the end of the block, the servers on one core.

    `trees`: checkouts from which servers are started, by name; else it is this one. `absent` is
    told of servers that do not start, if it is given; else their errors are raised.
    """
    where = cores()
    allow_all()
    with ExitStack() as stack:
        with pinned(set(where.broker)):
            broker, link = _kafka(peers, directory, stack)
        ways = {
            Reach.NEAR: broker.bootstrap if broker else "",
            Reach.FAR: link.address if link else "",
            Reach.ABSENT: f"127.0.0.1:{free_port()}",
        }
        with pinned({where.server}):
            subjects = []
            for number, peer in enumerate(peers):
                prefix = f"bench-{number}"
                if broker and peer.does.kafka:
                    create_topics(broker.bootstrap, prefix, partitions)
                place = Place(directory / str(number), free_port(), ways[peer.reach], prefix)
                try:
                    with chdir(trees.get(peer.name, ROOT)):  # where `-m` finds the package
                        server = stack.enter_context(running(peer, place))
                except (AssertionError, OSError, RuntimeError) as error:
                    if absent is None:
                        raise
                    absent(Missed(f"all of {peer.name}", f"it did not start: {error}"))
                    continue
                found_in = books(server, broker.data if broker else directory)
                parts = _parts(peer, partitions)
                subjects.append(Subject(server, found_in, parts, directory / "requests"))
        yield subjects


def _kafka(
    peers: Sequence[Peer], directory: Path, stack: ExitStack
) -> tuple[Broker | None, Link | None]:
    """Kafka, and the network to it if it is slow for somebody; where they are needed."""
    if all(not peer.does.kafka for peer in peers):
        return None, None
    far = any(peer.reach is Reach.FAR for peer in peers)
    link = stack.enter_context(Link()) if far else None
    broker = stack.enter_context(running_broker(directory / "kafka", link.port if link else None))
    if link:
        link.connect(broker.ports.link)
        link.delay(DELAY)
    return broker, link


def _parts(peer: Peer, partitions: int) -> int | None:
    if peer.does.kafka and peer.reach is not Reach.ABSENT:
        return partitions
    return 1 if peer.does.waits else None


def rounds(
    subjects: Sequence[Subject],
    scenarios: Sequence[Scenario],
    effort: Effort,
    pace: Pace | None = None,
) -> Iterator[Cell | Warmth | Missed]:
    """Measure everything: each server cold, then warmed, then round by round, at last what is long.

    In rounds, so that a slow minute hits all servers alike. What cannot be measured is told, and
    the rest goes on.
    """
    by_turn = {turn: [each for each in scenarios if each.turn is turn] for turn in Turn}
    for case in cases(subjects, by_turn[Turn.COLD]):
        yield _try(_cell(*case, replace(effort, seconds=_COLD_SECONDS, warm_up=0.0), 1), case, 1)
    yield from warmed(subjects, effort)
    yield from _in_rounds(cases(subjects, by_turn[Turn.ROUNDS]), effort, pace)
    for case in cases(subjects, by_turn[Turn.LONG]):
        yield _try(_cell(*case, replace(effort, seconds=effort.long_seconds), 1), case, 1)


def warmed(subjects: Sequence[Subject], effort: Effort) -> Iterator[Warmth | Missed]:
    """Warm all servers, one after the other."""
    if not effort.warming:
        return
    for subject in subjects:
        try:
            yield asyncio.run(warm(subject, cores().load, effort.warming, effort.seed))
        except Exception as error:
            yield Missed(f"warm-up: {subject.name}", repr(error))


def _in_rounds(
    all_cases: Sequence[Case], effort: Effort, pace: Pace | None
) -> Iterator[Cell | Missed]:
    if not all_cases:
        return
    if pace is not None:
        pace.begin()
    for number in range(1, effort.rounds + 1):
        if number > 1 and pace is not None and not pace.fits(len(all_cases)):
            yield Missed(f"rounds {number} to {effort.rounds}", "the time was over")
            return
        for case in all_cases:
            now = effort if pace is None else replace(effort, seconds=pace.seconds())
            yield _try(_cell(*case, now, number), case, number)
            if pace is not None:
                pace.done(now.seconds)
        for subject, _, _ in all_cases[:1]:
            shutil.rmtree(subject.kept / str(number), ignore_errors=True)


def _try(measured: Coroutine[None, None, Cell], case: Case, number: int) -> Cell | Missed:
    subject, scenario, setting = case
    try:
        return asyncio.run(measured)
    except Exception as error:
        what = f"round {number} of {scenario.name}, {setting.name}: {subject.name}"
        return Missed(what, str(error) or repr(error))


def one(subject: Subject, scenario: Scenario, effort: Effort, number: int) -> Cell:
    """Measure one server under a scenario's first load."""
    return asyncio.run(_cell(subject, scenario, scenario.settings[0], effort, number))


def cases(subjects: Sequence[Subject], scenarios: Sequence[Scenario]) -> list[Case]:
    """One round."""
    return [
        (subject, scenario, setting)
        for scenario in scenarios
        for setting in scenario.settings
        for subject in subjects
        if asked(subject.server.peer, scenario)
    ]


def asked(peer: Peer, scenario: Scenario) -> bool:
    """Whether a server has a part in a scenario."""
    if scenario.servers:
        return peer.name in scenario.servers
    return peer.reach is Reach.NEAR and (peer.does.cleans or not scenario.ours_only)


async def _cell(
    subject: Subject, scenario: Scenario, setting: Setting, effort: Effort, number: int
) -> Cell:
    # The same pings for every server of a round; others in each round, so that none is known.
    visits = replace(scenario.visits, seed=effort.seed + 1_000 * number)
    url = subject.server.url
    if scenario.ours_only:
        url = url.replace(subject.server.peer.path, "/e")
    plan = setting.plan(url, visits, effort.seconds, effort.warm_up)
    plan = replace(plan, kept=str(subject.kept / str(number)))
    where = Where(scenario.name, setting.name, number)
    look = effort.seconds / _LOOKS if scenario.turn is Turn.LONG else None
    return await measure(subject, plan, cores().load, where, look)
