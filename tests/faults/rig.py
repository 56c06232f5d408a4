"""A real server, a real broker, numbered pings, and the books afterwards."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.reconcile import Answers, Pace, Report, ids_on_kafka, send, settled
from tests.support.kafka import Broker
from tests.support.metrics import scrape
from tests.support.server import Server, start_server
from tests.support.wait import until, until_async

PATIENCE = 30.0
FULL = os.environ.get("FAULTS") == "full"
"""`make test-faults`: the long faults at their full length."""
MOST_MEMORY = 250 * 1024
"""KiB that a collector may ever have had, whatever the fault."""


@dataclass
class Rig:
    """One collector on one broker."""

    directory: Path
    broker: Broker
    options: tuple[str, ...] = ()
    answers: Answers = field(default_factory=lambda: Answers("faults"))

    def __post_init__(self) -> None:
        self.prefix = self.broker.topic_prefix()
        self.server = self.start()

    def start(self, wait: bool = True) -> Server:
        """Start the collector on the same directory and topics."""
        flags = ("--kafka", self.broker.bootstrap, "--set", f"kafka.topic_prefix={self.prefix}")
        flags += ("--set", "spool.min_free=0", "--set", "delivery.timeout=0.5", *self.options)
        self.server = start_server(
            self.directory, "--data-dir", str(self.directory / "data"), *flags, wait=wait
        )
        return self.server

    async def send(self, rate: float, seconds: float) -> None:
        """Send pings; ledger equations are checked every now and then while they go."""
        sending = asyncio.ensure_future(send(self.server.url, Pace(rate, seconds), self.answers))
        while not sending.done():
            if self.server.running:
                await asyncio.to_thread(self._scrape)
            await asyncio.wait((sending,), timeout=0.1)
        await sending

    def _scrape(self) -> None:
        with contextlib.suppress(OSError):  # killed on purpose meanwhile
            scrape(self.server.admin_url).check_ledger()

    async def drained(self) -> None:
        """Wait until nothing waits in the spool."""

        def empty() -> bool:
            return scrape(self.server.admin_url)["beacon_spool_events_waiting"] == 0

        await until_async(empty, timeout=60)

    async def report(self) -> Report:
        """Close the books: nothing lost, nothing from nowhere; printed for whoever runs it."""
        topic = f"{self.prefix}.events"
        report = await settled(
            self.answers,
            lambda: ids_on_kafka(self.broker.bootstrap, topic, self.answers.site),
            PATIENCE,
        )
        slowest = sorted(self.answers.slowest)
        p99 = slowest[int(0.99 * len(slowest))]
        print(f"\n{report.text()}\np99 answer   {1000 * p99:.0f} ms")
        assert report.good, report.text()
        if self.server.running:
            assert self.peak_memory() < MOST_MEMORY
        return report

    async def broker_up(self) -> None:
        """Start the broker again; the loop goes on meanwhile."""
        self.broker.start_soon()  # from this thread: a child ends with the thread that started it
        await asyncio.to_thread(self.broker.wait_until_up)

    def peak_memory(self) -> int:
        """KiB of resident memory at the most."""
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1])

    def metric(self, name: str) -> float:
        return scrape(self.server.admin_url)[name]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        until(condition, timeout=60)
