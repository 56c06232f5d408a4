"""A real server, a real broker or none, numbered pings, and the books afterwards."""

import asyncio
import contextlib
import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.reconcile import NO_ANSWER, Answers, Pace, Report, send
from benchmarks.reconcile_found import Tally, settled
from benchmarks.reconcile_places import Place, Store, Topic
from ingest.config import Kafka
from tests.faults.books import Heard, Life, Log, differences
from tests.support.kafka import Broker
from tests.support.metrics import Metrics, scrape
from tests.support.pings import Held, connections
from tests.support.raw import Answer, request
from tests.support.server import Server, start_server
from tests.support.wait import until, until_async

PATIENCE = 30.0
"""Seconds without news while something is missing."""
SETTLE = 0.5
"""Seconds without news when nothing is."""
FULL = os.environ.get("FAULTS") == "full"
"""`make test-faults`: the long faults at their full length."""
MOST_MEMORY = 250_000_000 // 1024
"""KiB that a collector may ever have had, whatever the fault."""

HELD = 20
"""Requests that are under way for certain when SIGTERM comes."""

KAFKA_AWAY = ("--kafka", "127.0.0.1:1")
"""Options under which nobody answers at the broker's address."""
PATIENT = ("--set", "delivery.timeout=20")
"""For tests in which no batch may be sent twice: half a second is little on a busy machine."""


@dataclass(slots=True)
class _Run:
    """One process, and what was last seen of it."""

    server: Server
    metrics: Metrics | None = None
    memory: int = 0
    """KiB at the most."""
    whole: bool = False

    def look(self) -> Metrics | None:
        """Scrape, unless it ended; the equations of the ledger must hold."""
        self.whole = False
        with contextlib.suppress(OSError):
            self.memory = max(self.memory, _peak_memory(self.server.pid))
        with contextlib.suppress(OSError):  # killed on purpose meanwhile
            metrics = scrape(self.server.admin_url)
            metrics.check_ledger()
            self.metrics = metrics
            return metrics
        return None

    def rest(self) -> None:
        """Wait until nothing is under way, so that its numbers are the last."""
        until(self._rests, what="nothing to be under way")

    def _rests(self) -> bool:
        metrics = self.look()
        if metrics is None:
            return True
        if metrics["beacon_requests_in_flight"] or metrics["beacon_events_in_flight"]:
            return False
        away = not metrics.get("beacon_kafka_ready", 1)
        self.whole = metrics["beacon_spool_events_waiting"] == 0 or away
        return True


@dataclass
class Rig:
    """One collector on one broker, or on its own store."""

    directory: Path
    broker: Broker | None = None
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    wrapper: tuple[str, ...] = ()
    """Words in front of its command."""
    answers: Answers = field(default_factory=lambda: Answers("faults"))

    def __post_init__(self) -> None:
        self.prefix = self.broker.topic_prefix() if self.broker else ""
        self.heard = Heard()
        """What was answered to requests other than the numbered pings."""
        self.others: list[Answers] = []
        """Of numbered pings of further sites."""
        self.held = Answers("held")
        """Of what was under way on purpose, by `/e`."""
        self.arrays = Answers("arrays")
        """Of events sent by `/e` many at a time."""
        self._runs: list[_Run] = []
        self.start()

    def start(self, wait: bool = True) -> Server:
        """Start the collector on the same directory and topics."""
        flags = ("--data-dir", str(self.data_dir), *self._where(), *self.options)
        self.server = start_server(
            self.directory, *flags, env=self.env, wait=wait, wrapper=self.wrapper
        )
        if wait:
            self._runs.append(_Run(self.server))
        return self.server

    def _where(self) -> tuple[str, ...]:
        if self.broker is None:
            return ("--set", "store.min_free=0")
        flags = ("--kafka", self.broker.bootstrap, "--set", f"kafka.topic_prefix={self.prefix}")
        return (*flags, "--set", "spool.min_free=0", "--set", "delivery.timeout=0.5")

    def stop(self) -> None:
        """End it in order (SIGTERM), when nothing is under way any more."""
        self._runs[-1].rest()
        self.server.signal(signal.SIGTERM)
        assert self.server.wait() == 0

    @property
    def data_dir(self) -> Path:
        """The collector's."""
        return self.directory / "data"

    async def send(self, rate: float, seconds: float, until: asyncio.Event | None = None) -> None:
        """Send pings, until something if need be; the ledger is checked now and then meanwhile."""
        wanted = (lambda: True) if until is None else (lambda: not until.is_set())
        pace = Pace(rate, seconds)
        await self.watching(send(self.server.url, pace, self.answers, wanted=wanted))

    async def watching(self, coroutine: Coroutine[object, object, None]) -> None:
        """Scrape while something goes on."""
        sending = asyncio.ensure_future(coroutine)
        while not sending.done():
            await asyncio.to_thread(self._runs[-1].look)
            await asyncio.wait((sending,), timeout=0.1)
        await sending

    def ask(self, target: str, method: str = "GET", body: bytes = b"", events: int = 1) -> Answer:
        """Send a request beside the numbered pings, and write down its answer."""
        answer = request(self.server.url, target, method=method, body=body)
        return self.note(target[1:].partition("?")[0], answer, events)

    @contextlib.contextmanager
    def holding(self, number: int = HELD) -> Iterator[Held]:
        """So many requests that the collector has taken, and cannot answer yet."""
        with connections(self.server.port, number) as held:
            made = Held(held, self.held.site)
            self.held.sent.extend(made.ids)
            self.wait_for(lambda: self.metric("beacon_requests_in_flight") >= number)
            yield made

    def heard_of(self, held: Held) -> None:
        """Each of them must be answered; that they are where they should be is in the report."""
        answers = held.answers()
        self.held.outcomes.update((name, str(one.outcome)) for name, one in answers.items())
        assert {one.outcome for one in answers.values()} == {"stored"}

    async def ended_by_sigterm(self, held: Held, sending: asyncio.Future[None]) -> None:
        """SIGTERM while pings are sent: it answers what is `held`, its port closed, and exits 0."""
        self.server.signal(signal.SIGTERM)
        await until_async(lambda: not self.server.accepts, what="the port to be closed")
        held.end()
        await asyncio.to_thread(self.heard_of, held)
        await sending
        assert await asyncio.to_thread(self.server.wait) == 0

    def note(self, route: str, answer: Answer, events: int = 1) -> Answer:
        """Write down an answer of `/p.gif` or `/e` that came by another way."""
        assert answer.outcome is not None
        self.heard.note(route, answer.outcome, events)
        return answer

    def note_array(self, ids: Sequence[str], answer: Answer) -> None:
        """Write down what was answered to events sent together."""
        assert answer.outcome is not None
        self.heard.answered["e", answer.outcome] += 1
        each = json.loads(answer.body)["results"] if answer.body else [{}] * len(ids)
        for event_id, result in zip(ids, each, strict=True):
            self.arrays.note(event_id, result.get("outcome", answer.outcome))

    async def drained(self) -> None:
        """Wait until nothing waits in the spool."""

        def empty() -> bool:
            return scrape(self.server.admin_url)["beacon_spool_events_waiting"] == 0

        await until_async(empty, timeout=60)

    async def report(self, damaged: Collection[str] = (), counted: bool = True) -> Report:
        """Close the books, printed for whoever runs it.

        Nothing is lost but `damaged`, the ids in parts of files that were damaged on purpose, and
        nothing is from nowhere; `/metrics` of every life agree with what was heard and found.
        `counted`: whether the collector could tell how many were damaged.
        """
        if self.server.running:
            await asyncio.to_thread(self._runs[-1].rest)
        tally = Tally()
        waits = (SETTLE, SETTLE if damaged else PATIENCE)
        everyone = (self.answers, self.held, self.arrays, *self.others)
        report = await settled(everyone, self._place(), tally, waits)
        p99 = self.answers.p99
        memory = max(run.memory for run in self._runs)
        print(f"\n{report.text()}\np99 answer  {1000 * p99:.0f} ms\nmemory      {memory >> 10} MiB")
        missing = self.answers.confirmed - set(tally.of(self.answers.site))
        assert missing == self.answers.confirmed & set(damaged), report.text()
        assert report.lost == len(missing), report.text()
        assert report.phantoms == tally.ignored == 0, report.text()
        self._check_books(tally, len(damaged), counted)
        assert memory < MOST_MEMORY
        return report

    async def all_stored(self) -> Report:
        """Close the books; each ping was answered, and as stored."""
        report = await self.report()
        assert report.outcomes == {"stored": report.sent}
        return report

    async def made_good(self) -> Report:
        """The same, once all that was spooled is on Kafka."""
        await self.drained()
        return await self.all_stored()

    def _place(self) -> Place:
        if self.broker is None:
            return Store(self.data_dir)
        servers = tuple(self.broker.bootstrap.split(","))
        return Topic(Kafka(bootstrap_servers=servers, topic_prefix=self.prefix))

    def _check_books(self, tally: Tally, damaged: int, counted: bool) -> None:
        lives = [Life(run.metrics, run.whole) for run in self._runs if run.metrics]
        unseen = len(lives) < len(self._runs)
        if unseen:
            lives = [Life(life.metrics, False) for life in lives]
        in_spool = self.broker is not None  # what the spool lost was never replayed
        copies = tally.found.total()
        twice = copies - len(tally.found)
        lost = damaged if counted else 0
        log = Log(copies, twice, lost=lost) if in_spool else Log(copies, twice, damaged)
        found = differences(lives, self._all_heard(), log)
        assert not found, "\n".join([*found, *(life.metrics.text for life in lives)])

    def _all_heard(self) -> Heard:
        heard = Heard(
            Counter(self.heard.answered), Counter(self.heard.events), self.heard.unanswered
        )
        for outcome in self.held.outcomes.values():
            heard.note("e", outcome)
        heard.events.update(self.arrays.outcomes.values())
        everyone = (self.answers, *self.others)
        for outcome in (how for answers in everyone for how in answers.outcomes.values()):
            if outcome == NO_ANSWER:
                heard.unanswered += 1
            else:
                heard.note("p.gif", outcome)
        return heard

    async def broker_up(self) -> None:
        """Start the broker again; the loop goes on meanwhile."""
        assert self.broker is not None
        self.broker.start_soon()  # from this thread: a child ends with the thread that started it
        await asyncio.to_thread(self.broker.wait_until_up)

    def metric(self, name: str) -> float:
        return scrape(self.server.admin_url)[name]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        until(condition, timeout=60)


def _peak_memory(pid: int) -> int:
    """KiB of resident memory at the most."""
    status = Path(f"/proc/{pid}/status").read_text()
    lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) if lines else 0  # none of a process that has just ended
