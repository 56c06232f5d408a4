"""`ingest check-config`, `ingest topics create`: what would go wrong at a start, in plain words."""

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.app import why_not
from ingest.beacon.day_key import DayKey, KeyFileError
from ingest.beacon.geo import Geo, GeoError
from ingest.config import Ack, Config
from ingest.log.kafka_client import why_unreachable
from ingest.log.lock import LOCK_FILE, DirectoryInUse, DirectoryLock
from ingest.log.sink import SinkError
from ingest.log.topics import Finding, Severity, check, create
from ingest.logs import setup


def check_config(config: Config, offline: bool = False) -> int:
    """Print a line for each thing looked at, and change nothing; returns 0, or 1 with any error.

    `offline` asks no Kafka.
    """
    setup(config.logs)
    found = [
        *_options(config),
        *_data_dir(config.data_dir),
        *_store(config),
        *_key_file(config.visitor_key_file),
        *_geo(config.geo.database),
        *_kafka(config, offline),
    ]
    return _report(found)


def create_topics(config: Config) -> int:
    """Create the topics that are missing, and say what is wrong with those that exist."""
    setup(config.logs)
    if not config.uses_kafka:
        print("ingest: no Kafka is configured: give --kafka HOST:PORT", file=sys.stderr)
        return 1
    try:
        return _report(asyncio.run(create(config.kafka)))
    except SinkError as error:
        return _report([_error(f"Kafka: {error}")])


def _report(found: Iterable[Finding]) -> int:
    failed = False
    for finding in found:
        print(f"{finding.severity.value:7} {finding.text}")
        failed = failed or finding.severity is Severity.ERROR
    return 1 if failed else 0


def _ok(text: str) -> Finding:
    return Finding(Severity.OK, text)


def _warning(text: str) -> Finding:
    return Finding(Severity.WARNING, text)


def _error(text: str) -> Finding:
    return Finding(Severity.ERROR, text)


def _options(config: Config) -> Iterator[Finding]:
    if reason := why_not(config):
        yield _error(reason)
    where = "Kafka" if config.uses_kafka else str(config.data_dir / "store")
    yield _ok(f"configuration: events go to {where}")
    if config.delivery.ack is Ack.ACCEPTED:
        yield _warning("delivery.ack is accepted: a ping may be lost after its success answer")


def _data_dir(directory: Path) -> Iterator[Finding]:
    existing = _existing(directory)
    if not existing.is_dir():
        yield _error(f"data_dir {directory}: {existing} is no directory")
    elif not os.access(existing, os.W_OK | os.X_OK):
        yield _error(f"data_dir {directory}: this user may not write to {existing}")
    elif existing == directory.absolute():
        yield _ok(f"data_dir {directory} can be written")
    else:
        yield _ok(f"data_dir {directory} will be made")


def _existing(path: Path) -> Path:
    """The path itself, or the nearest of its parents that exists."""
    path = path.absolute()
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _store(config: Config) -> Iterator[Finding]:
    store = config.data_dir / "store"
    if config.uses_kafka:
        if store.is_dir():
            yield _warning(f"{store} holds events from a time without Kafka; they stay there")
        return
    if not (store / LOCK_FILE).exists():
        yield _ok(f"store {store} will be made")
        return
    try:
        DirectoryLock(store).release()
    except DirectoryInUse:
        yield _warning(f"store {store} is in use: while that server runs, no other can start on it")
    except OSError as error:
        yield _error(f"store {store}: {error.strerror}")
    else:
        yield _ok(f"store {store} is free")


def _key_file(path: Path) -> Iterator[Finding]:
    if not path.exists():
        parent = _existing(path.parent)
        if os.access(parent, os.W_OK | os.X_OK):
            yield _ok(f"key file {path} will be made")
        else:
            yield _error(f"key file {path}: this user may not write to {parent}")
        return
    try:
        key = DayKey(path, _no_entropy, time.time_ns() // 1_000_000)
    except KeyFileError as error:
        yield _error(str(error))
        return
    yield _warning(key.warning) if key.warning else _ok(f"key file {path} can be read")


def _no_entropy(_count: int) -> bytes:
    """A file that goes between two looks is not made anew by a check."""
    raise KeyFileError("the key file went away during the check")


def _geo(database: Path | None) -> Iterator[Finding]:
    if database is None:
        yield _ok("geolocation: none is configured, events have no country")
        return
    try:
        Geo(database)
    except GeoError as error:
        yield _error(str(error))
    else:
        yield _ok(f"geolocation database {database} can be read")


def _kafka(config: Config, offline: bool) -> list[Finding]:
    if not config.uses_kafka:
        return []
    if offline:
        return [_ok("Kafka: not asked (--offline)")]
    servers = ", ".join(config.kafka.bootstrap_servers)
    try:
        refusal = asyncio.run(why_unreachable(config.kafka))
        if refusal is not None:
            return [_error(f"Kafka: {refusal}")]
        return [_ok(f"Kafka {servers} lets us in"), *asyncio.run(check(config.kafka))]
    except SinkError as error:
        return [_error(f"Kafka: {error}")]
