"""`ingest check-config`, `ingest topics create`: what would go wrong at a start, in plain words."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.beacon.day_key import DayKey, KeyFileError
from ingest.beacon.geo import Geo, GeoError
from ingest.beacon.largest import largest_record
from ingest.config import Ack, Config, Read, Role, Spool, Store
from ingest.http.elsewhere import PASSED_ON
from ingest.http.openapi import PATH_OPENAPI
from ingest.log.kafka_client import why_unreachable
from ingest.log.lock import LOCK_FILE, DirectoryInUse, DirectoryLock
from ingest.log.sink import SinkError
from ingest.log.topics import Finding, Severity, check, create
from ingest.logs import setup
from ingest.memory import there_is, too_little
from ingest.preflight import FEWER, TOO_FEW_FILES, fewer_than_asked, why_not
from ingest.sites_file import NO_SITE, SitesError, read_sites
from ingest.sockets import Options, bind
from ingest.stats.kafka_topics import NAME, create_now, look_at_now
from ingest.stats_client import CollectorError, NoAnswerError, StatsError, ask


def check_config(config: Config, offline: bool = False) -> int:
    """Print a line for each thing looked at, and change nothing; returns 0, or 1 with any error.

    `offline` asks no Kafka and no stats role.
    """
    setup(config.logs)
    found = [
        *_options(config),
        *_data_dir(config.data_dir),
        *_ports(config),
        *_for_pings(config),
        *_sites(config),
        *_kafka(config, offline),
        *_stats_role(config, offline),
    ]
    return _report(found)


def create_topics(config: Config) -> int:
    """Create the topics that are missing, and say what is wrong with those that exist."""
    setup(config.logs)
    if not config.uses_kafka:
        print("ingest: no Kafka is configured: give --kafka HOST:PORT", file=sys.stderr)
        return 1
    try:
        return _report(asyncio.run(_create(config)))
    except SinkError as error:
        return _report([_error(f"Kafka: {error}")])


async def _create(config: Config) -> list[Finding]:
    kafka = config.kafka
    made = await create_now(kafka)
    now = [_ok(f"topic {kafka.topic(NAME)} created")] if made else await look_at_now(kafka)
    return [*await create(kafka, largest_record(config.headers.allow)), *now]


def _for_pings(config: Config) -> Iterator[Finding]:
    """What a process needs that takes pings."""
    if config.role is Role.STATS:
        return
    yield from _directories(config)
    yield from _key_file(config.visitor_key_file)
    yield from _geo(config.geo.database)


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
    where = "Kafka" if config.uses_kafka else str(config.store_dir)
    how = "are read from" if config.role is Role.STATS else "go to"
    yield _ok(f"configuration: events {how} {where}")
    if reason := too_little(config, there_is()):
        yield _warning(f"memory: {reason}")
    for what, most in fewer_than_asked(config).items():
        yield _warning(f"{FEWER[what]}: {most}; {TOO_FEW_FILES}")
    if config.role is Role.COLLECTOR and config.stats.url is None:
        yield _warning("stats.url is not set: this collector answers pages and API with 404")
    if config.delivery.ack is Ack.ACCEPTED:
        yield _warning("delivery.ack is accepted: a ping may be lost after its success answer")


def _stats_role(config: Config, offline: bool) -> Iterator[Finding]:
    """Whether pages and API are where a collector is told they are."""
    url = config.stats.url
    if config.role is not Role.COLLECTOR or url is None or offline:
        return
    try:
        answered = ask(Read(url=url), PATH_OPENAPI, PASSED_ON)
        yield _ok(f"stats.url: {answered['info']['title']} answers at {url}")
    except NoAnswerError as error:
        yield _warning(f"stats.url: {error}; until there is one, pages and API are answered 502")
    except CollectorError as error:
        yield _error(f"stats.url: {error}, and pages and numbers are the stats role's")
    except (StatsError, ValueError, KeyError, TypeError):
        yield _error(f"stats.url: what answers at {url} is no stats role")


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


def _directories(config: Config) -> Iterator[Finding]:
    if not config.uses_kafka:
        yield _directory("store", config.store_dir)
        yield from _disk("store", config.store_dir, config.store)
        return
    if config.store_dir.is_dir():
        text = f"{config.store_dir} holds events from a time without Kafka; they stay there"
        yield _warning(text)
    yield _directory("spool", config.spool_dir)
    yield _directory("quarantine", config.quarantine_dir)
    yield from _disk("spool", config.spool_dir, config.spool)


def _directory(name: str, directory: Path) -> Finding:
    if not (directory / LOCK_FILE).exists():
        if directory.exists() and not directory.is_dir():
            return _error(f"{name} {directory}: is no directory")
        return _ok(f"{name} {directory} will be made")
    try:
        DirectoryLock(directory).release()
    except DirectoryInUse:
        text = f"{name} {directory} is in use: while that server runs, no other can start on it"
        return _warning(text)
    except OSError as error:
        return _error(f"{name} {directory}: {error.strerror}")
    return _ok(f"{name} {directory} is free")


def _disk(name: str, directory: Path, room: Store | Spool) -> Iterator[Finding]:
    disk = shutil.disk_usage(_existing(directory))
    if disk.free <= room.min_free:
        yield _warning(
            f"{name}.min_free is {room.min_free}, the disk of {directory} has {disk.free} free: "
            f"the {name} takes no ping until there is more"
        )
    if room.max_bytes > disk.total:
        yield _warning(
            f"{name}.max_bytes is {room.max_bytes}, the disk of {directory} has {disk.total}: it "
            f"is full before the bound is reached, and {name}.min_free decides"
        )


def _ports(config: Config) -> Iterator[Finding]:
    http, admin = config.http, config.admin
    if http.port and (http.host, http.port) == (admin.host, admin.port):
        yield _error(f"http.port and admin.port are both {config.http.port}")
        return
    for name, host, port, options in (
        ("http", http.host, http.port, Options.PUBLIC),
        ("admin", admin.host, admin.port, Options.ADMIN),
    ):
        try:
            bind(host, port, options).close()
        except OSError as error:
            yield _error(str(error))
        else:
            yield _ok(f"{name}.port {port} on {host} is free")


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


def _sites(config: Config) -> Iterator[Finding]:
    file = config.sites.file
    if file is None:
        yield _ok("sites: every well-formed name is one (no sites.file)")
        return
    try:
        found = read_sites(file, config.url.keep_params)
    except SitesError as error:
        yield from (_error(line) for line in str(error).splitlines())
    else:
        named = f"sites: sites.file {file}"
        many = f"{named} names {len(found)} of them"
        yield _ok(many) if found else _warning(f"{named} {NO_SITE}")


def _kafka(config: Config, offline: bool) -> list[Finding]:
    if not config.uses_kafka:
        return []
    if offline:
        return [_ok("Kafka: not asked (--offline)")]
    servers = ", ".join(config.kafka.bootstrap_servers)
    try:
        refusal = asyncio.run(why_unreachable(config.kafka))
        if refusal is not None:
            # No error: the start does not need it, and pings are spooled until it is there.
            return [_warning(f"Kafka: {refusal}; pings go to the spool until it lets us in")]
        largest = largest_record(config.headers.allow)
        found = asyncio.run(check(config.kafka, largest)) + asyncio.run(look_at_now(config.kafka))
        return [_ok(f"Kafka {servers} lets us in"), *found]
    except SinkError as error:
        return [_error(f"Kafka: {error}")]
