"""Proves that nothing confirmed is lost: sends numbered pings, then looks for each of them.

    python -m benchmarks reconcile http://127.0.0.1:8080 --data-dir data
    python -m benchmarks reconcile https://beacon.example --kafka broker:9092 --rate 500

Pings go to a site of their own, so that other traffic may go on. While it sends, break what you
like: kill the broker, stop it, fill the disk, kill the server. What counts:

    lost        confirmed by a success answer, and not found: must be 0
    phantoms    found, and never sent: must be 0
    duplicates  found more than once: may be after a fault, consumers drop them by id
"""

import argparse
import asyncio
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from tqdm import tqdm

from ingest.log.reader import Reader

EXIT_OK, EXIT_LOSS, EXIT_USAGE = 0, 1, 2
_POLL = 0.5
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

    @property
    def confirmed(self) -> set[str]:
        """Ids whose sender was told that they are stored."""
        return {event_id for event_id, how in self.outcomes.items() if how == _CONFIRMED}


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

    @property
    def good(self) -> bool:
        """Whether nothing is lost and nothing came from nowhere."""
        return self.lost == 0 and self.phantoms == 0

    def text(self) -> str:
        """Lines to read."""
        answers = ", ".join(f"{count} {how}" for how, count in sorted(self.outcomes.items()))
        return (
            f"sent        {self.sent}  ({answers})\n"
            f"confirmed   {self.confirmed}\n"
            f"found       {self.found}\n"
            f"lost        {self.lost}\n"
            f"phantoms    {self.phantoms}\n"
            f"duplicates  {self.duplicates}"
        )


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
    url: str, pace: Pace, answers: Answers, on_sent: Callable[[], object] = lambda: None
) -> None:
    """Send pings at a pace; returns once each is answered or given up."""
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=pace.timeout)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number in range(int(pace.rate * pace.seconds)):
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
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    answers.outcomes[event_id] = outcome
    answers.slowest.append(asyncio.get_running_loop().time() - due)


def ids_in_store(data_dir: Path, site: str) -> list[str]:
    """Ids of a site's events in a store."""
    with Reader(data_dir / "store") as reader:
        return _ids((record.value for b in reader.batches() for record in b.records), site)


async def ids_on_kafka(bootstrap: str, topic: str, site: str) -> list[str]:
    """Ids of a site's events on a topic, up to its end at the call."""
    partitions = await _partitions(bootstrap, topic)
    if not partitions:
        return []
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        values: list[bytes] = []
        while any([await consumer.position(p) < end for p, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                values += [record.value for record in records]
        return _ids(values, site)
    finally:
        await consumer.stop()


async def _partitions(bootstrap: str, topic: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        known = {each["topic"]: each["partitions"] for each in await admin.describe_topics()}
    finally:
        await admin.close()
    return [TopicPartition(topic, number) for number in range(len(known.get(topic, ())))]


def _ids(values: Iterable[bytes], site: str) -> list[str]:
    events = (json.loads(value) for value in values)
    return [event["id"] for event in events if event["site"] == site]


async def settled(answers: Answers, find: Callable[[], object], patience: float) -> Report:
    """Look until all that was confirmed is found, or nothing new came for `patience` seconds."""
    best, since = -1, time.monotonic()
    while True:
        found = find()
        ids = await found if asyncio.iscoroutine(found) else found
        report = reconcile(answers, ids)
        if report.lost == 0 or time.monotonic() - since > patience:
            return report
        if report.found > best:
            best, since = report.found, time.monotonic()
        await asyncio.sleep(_POLL)


def main(arguments: list[str]) -> int:
    """Run the tool; returns the exit code: 0 nothing lost, 1 a loss or a phantom, 2 bad words."""
    parsed = _parser().parse_args(arguments)
    if (parsed.data_dir is None) == (parsed.kafka is None):
        print("reconcile: give --data-dir or --kafka: where to look", file=sys.stderr)
        return EXIT_USAGE
    report = asyncio.run(_run(parsed))
    print(report.text())
    return EXIT_OK if report.good else EXIT_LOSS


async def _run(parsed: argparse.Namespace) -> Report:
    answers = Answers(f"reconcile-{uuid.uuid4().hex[:12]}")
    pace = Pace(parsed.rate, parsed.seconds)
    total = int(pace.rate * pace.seconds)
    with tqdm(total=total, unit=" pings", disable=not sys.stderr.isatty()) as bar:
        await send(parsed.url.rstrip("/"), pace, answers, bar.update)

    def find() -> object:
        if parsed.data_dir is not None:
            return ids_in_store(parsed.data_dir, answers.site)
        return ids_on_kafka(parsed.kafka, parsed.topic, answers.site)

    return await settled(answers, find, parsed.patience)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks reconcile",
        description="Send numbered pings, then look for each of them.",
    )
    parser.add_argument("url", help="the server, such as http://127.0.0.1:8080")
    parser.add_argument("--rate", type=float, default=200, help="pings a second (default 200)")
    parser.add_argument("--seconds", type=float, default=10, help="how long (default 10)")
    parser.add_argument("--data-dir", type=Path, help="look in this server's store")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="look on this cluster")
    parser.add_argument("--topic", default="beacon.events", help="default beacon.events")
    parser.add_argument(
        "--patience", type=float, default=60, help="seconds without news to wait (default 60)"
    )
    return parser
