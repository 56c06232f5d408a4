"""The stats role counts a day of Kafka right, though it is killed again and again."""

import asyncio
import contextlib
import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from ingest.config import Kafka
from ingest.stats.keeper import Keeper
from ingest.stats.queries import DAY
from ingest.stats.state import FILE
from ingest.stats.stats import Bounds
from tests.stats.kafka_topic import create, produce
from tests.stats.support import MIDNIGHT, Clock, close_enough, written
from tests.stats.test_right import LAST, assert_right
from tests.stats.traffic import FULL, VISITORS, Truth, day
from tests.support.interpreted import ROOT
from tests.support.kafka import Broker
from tests.support.metrics import scrape
from tests.support.process import clean_environment, spawn
from tests.support.raw import request
from tests.support.server import Server
from tests.support.wait import until_async

KILLS = 10
SEEN = ("counted", "duplicates", "bots", "too_old", "sites_full", "bad")


@contextlib.contextmanager
def stats_role(directory: Path, config: Kafka, life: int) -> Iterator[Server]:
    """Killed at the block's end."""
    data, output = directory / "data", directory / f"stats-{life}"
    flags = ["--data-dir", str(data), "--kafka", config.bootstrap_servers[0]]
    flags += ["--set", f"kafka.topic_prefix={config.topic_prefix}"]
    process = spawn(
        [sys.executable, "-m", "tests.stats.role_process", str(LAST), *flags],
        env=clean_environment({"PYTHONPATH": str(ROOT)}),
        stdout=output.with_suffix(".out"),
        stderr=output.with_suffix(".err"),
    )
    with Server(process, data, output.with_suffix(".out"), output.with_suffix(".err")) as server:
        server.wait_until_listening()
        yield server


def seen(server: Server) -> float:
    """Events that this process has read from the topic, whatever became of them."""
    metrics = scrape(server.admin_url)
    return sum(metrics[f"beacon_stats_events_{name}_total"] for name in SEEN)


async def until_seen(server: Server, events: int) -> None:
    await until_async(lambda: seen(server) >= events, 300, f"{events} events to be counted")


def saved_up_to(data: Path, copy: Path) -> int:
    """Events that the saved counts stand for; a copy is looked at, for a look mends the file."""
    if not (data / FILE).exists():
        return 0
    copy.mkdir()
    for file in data.glob(f"{FILE}*"):
        shutil.copy(file, copy)
    with contextlib.closing(sqlite3.connect(copy / FILE)) as state:
        rows = state.execute("SELECT position FROM positions").fetchall()
    return sum(int(position) for (position,) in rows)


def with_repetitions(events: list[bytes]) -> list[list[bytes]]:
    """In as many parts as there are lives; each ends with some of its own and of the one before."""
    size = -(-len(events) // (KILLS + 1))
    parts = [events[start : start + size] for start in range(0, len(events), size)]
    before = [[], *parts]
    return [part + part[::20] + last[::40] for part, last in zip(parts, before, strict=False)]


def assert_answers(server: Server, truth: Truth) -> None:
    """What is asked of the process itself."""
    span = f"from={written(MIDNIGHT)}&to={written(MIDNIGHT + DAY)}"
    for site, visitors in truth.days.items():
        address = f"/api/v1/sites/{site}"
        now = json.loads(request(server.url, f"{address}/now").body)
        assert close_enough(now["now"], len(truth.now[site])), site
        (row,) = json.loads(request(server.url, f"{address}/stats?by=day&{span}").body)["rows"]
        assert close_enough(row["visitors"], len(visitors)), site
        views = sum(number for (name, _), number in truth.views.items() if name == site)
        assert row["pageviews"] == views, site


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_killed_ten_times_with_duplicates_on_the_topic_it_counts_right(
    kafka: Broker, tmp_path: Path
):
    config = Kafka(bootstrap_servers=(kafka.bootstrap,), topic_prefix=kafka.topic_prefix())
    await create(config)
    events, truth = day(VISITORS if FULL else 60_000)
    *parts, last = with_repetitions(events)
    assert len(parts) == KILLS
    random, sent = Random(11), 0
    for life, part in enumerate(parts):
        left = sent - saved_up_to(tmp_path / "data", tmp_path / f"copy-{life}")
        moment = left + int(random.random() * len(part))
        sent += len(part)
        if life % 2:  # killed while it catches up with what came while it was away
            await produce(config, part)
            moment = int(random.random() * (left + len(part)))
        with stats_role(tmp_path, config, life) as server:
            if not life % 2:  # killed while it counts what is coming
                await until_seen(server, left)
                coming = asyncio.create_task(produce(config, part))
            await until_seen(server, moment)
        if not life % 2:
            await coming
    await produce(config, last)
    sent += len(last)
    left = sent - saved_up_to(tmp_path / "data", tmp_path / "copy")
    with stats_role(tmp_path, config, KILLS) as server:
        await until_seen(server, left)
        assert seen(server) == left  # neither skipped nor repeated
        assert_answers(server, truth)
        assert server.terminate() == 0
    keeper = Keeper(tmp_path / "data", Bounds(), Clock(LAST))
    try:
        assert_right(keeper.stats, truth)
        assert sum(map(int, keeper.positions.values())) == sent
    finally:
        keeper.close()
