"""The topics that we write: how we create them, and what is wrong with those that exist."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from ingest.config import Kafka
from ingest.log.batch import RECORD_OVERHEAD
from ingest.log.kafka_client import admin_client, explain
from ingest.log.sink import SinkUnavailable

EVENTS: Final = "events"
REJECTED: Final = "rejected"
TOPICS: Final = (EVENTS, REJECTED)
"""Names without the prefix."""

_DAY_MS = 86_400_000
RETENTION_MS = 18 * _DAY_MS
"""A segment goes when its *newest* record is this old."""
SEGMENT_MS = _DAY_MS
"""How long a segment takes records. With a `time` up to a day before receipt: 20 days in all."""
_OLDEST_MS = 21 * _DAY_MS
"""A `time` is a day before its receipt at most, and an event 20 days in the spool."""
_AHEAD_MS = 3_600_000
"""How far this machine's clock may be ahead of the broker's; Kafka's own default."""
REPLICATION = 3
_MIN_IN_SYNC = 2
_BROKERS_DEFAULT_MAX_MESSAGE = 1_048_588
BATCH_FRAMING = 128
"""Bytes of Kafka's framing of a batch, at most; that of records is counted with each."""
_log = logging.getLogger(__name__)


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    severity: Severity
    text: str
    """In plain words, with what to do about it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at the topics says."""

    findings: list[Finding]
    largest_batch: int | None
    """Bytes that the events topic takes at once; None where it was made just now, to fit us."""


@dataclass(frozen=True, slots=True)
class _Topic:
    """A topic that exists."""

    name: str
    partitions: int
    replication: int
    in_sync: int
    """Replicas in sync in the partition that has the fewest; as many as acknowledge."""
    settings: Mapping[str, str]
    readable: bool
    """Whether the settings are known."""

    def number(self, setting: str, default: int) -> int:
        return int(self.settings.get(setting, default))


async def create(config: Kafka, largest: int = 0) -> list[Finding]:
    """Create what is missing and look at what exists. Raises `SinkError`.

    A topic that cannot be created is an error among the findings, unless it is that of the events,
    which is to take a record whose key and value have `largest` bytes.
    """
    async with admin_client(config) as admin:
        return (await create_missing(admin, config, largest=largest)).findings


async def check(config: Kafka, largest: int = 0) -> list[Finding]:
    """Look at the topics as `create` does, and change nothing. Raises `SinkError`."""
    async with admin_client(config) as admin:
        existing = await _describe(admin, config)
        missing = [name for name in _names(config) if name not in existing]
        absent = "does not exist; `ingest topics create` or the server's start makes it"
        found = [Finding(Severity.WARNING, f"topic {name} {absent}") for name in missing]
        return [*found, *_judge(existing, config, largest)]


async def create_missing(
    admin: AIOKafkaAdminClient, config: Kafka, needed: str = EVENTS, largest: int = 0
) -> Looked:
    """Do what `create` does with a client that is connected.

    Raises `SinkUnavailable` where the topic that is `needed` cannot be created; another is only a
    finding: rejected events must not keep events from Kafka.
    """
    existing = await _describe(admin, config)
    missing = [name for name in _names(config) if name not in existing]
    found: list[Finding] = []
    if missing:
        brokers = len((await admin.describe_cluster())["brokers"])
        response = await admin.create_topics([_new(name, config, brokers) for name in missing])
        for name, code, *_ in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                text = f"topic {name} cannot be created: {explain(error())}"
                if name == config.topic(needed):
                    raise SinkUnavailable(text)
                found.append(Finding(Severity.ERROR, text))
                continue
            found.append(Finding(Severity.OK, f"topic {name} created"))
            if not code:  # by us, not by another process meanwhile
                _log.info("kafka topic created", extra={"fields": {"topic": name}})
        found += _machines(missing, brokers)
    events = existing.get(config.topic(EVENTS))
    judged = _judge(existing, config, largest)
    return Looked([*found, *judged], _largest_taken(events) if events else None)


async def settings_of(
    admin: AIOKafkaAdminClient, topics: Iterable[str]
) -> dict[str, dict[str, str]]:
    """Settings by name, of topics that exist and let us read theirs. Raises `KafkaError`."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in await admin.describe_configs(asked)
        for code, _, _, name, entries in response.resources
        if not code
    }


def unreadable(name: str) -> Finding:
    """What is said of a topic whose settings we may not read: nothing else is known of it."""
    text = f"topic {name}: its settings cannot be read; allow DESCRIBE_CONFIGS on it"
    return Finding(Severity.WARNING, f"{text}, or see to its retention and size yourself")


def _names(config: Kafka) -> list[str]:
    return [config.topic(name) for name in TOPICS]


def _new(name: str, config: Kafka, brokers: int) -> NewTopic:
    settings = {
        "cleanup.policy": "delete",
        "retention.ms": str(RETENTION_MS),
        "segment.ms": str(SEGMENT_MS),
        "min.insync.replicas": str(_MIN_IN_SYNC if brokers >= REPLICATION else 1),
    }
    if _largest_batch(config) > _BROKERS_DEFAULT_MAX_MESSAGE:
        settings["max.message.bytes"] = str(_largest_batch(config))
    replication = min(REPLICATION, brokers)
    return NewTopic(name, config.partitions, replication, topic_configs=settings)


def _largest_batch(config: Kafka) -> int:
    return config.batch_bytes + BATCH_FRAMING


def _machines(names: list[str], brokers: int) -> Iterator[Finding]:
    if brokers < REPLICATION:
        yield Finding(
            Severity.WARNING,
            f"{brokers} of 3 brokers: {' and '.join(names)} made with replication {brokers} and "
            "min.insync.replicas 1, so an acknowledgement may be one machine's memory",
        )


async def _describe(admin: AIOKafkaAdminClient, config: Kafka) -> dict[str, _Topic]:
    # All topics are listed: asking for one by name would create it where brokers do that.
    wanted = set(_names(config))
    topics = [topic for topic in await admin.describe_topics() if topic["topic"] in wanted]
    if not topics:
        return {}
    settings = await settings_of(admin, [topic["topic"] for topic in topics])
    return {topic["topic"]: _topic(topic, settings) for topic in topics}


def _topic(topic: Mapping[str, Any], settings: Mapping[str, Mapping[str, str]]) -> _Topic:
    partitions = topic["partitions"]
    replication = min((len(partition["replicas"]) for partition in partitions), default=0)
    in_sync = min((len(partition["isr"]) for partition in partitions), default=0)
    name = topic["topic"]
    own = settings.get(name, {})
    return _Topic(name, len(partitions), replication, in_sync, own, name in settings)


def _judge(topics: Mapping[str, _Topic], config: Kafka, largest: int) -> list[Finding]:
    found: list[Finding] = []
    for topic in topics.values():
        if not topic.readable:
            found.append(unreadable(topic.name))
            continue
        problems = [
            *_privacy(topic),
            *_durability(topic),
            *_timestamps(topic),
            *_shape(topic, config),
            *_size(topic, config, largest if topic.name == config.topic(EVENTS) else 0),
        ]
        found += problems or [
            Finding(Severity.OK, f"topic {topic.name}: {topic.partitions} partitions")
        ]
    return found


def _privacy(topic: _Topic) -> Iterator[Finding]:
    """Nothing may be older than 20 days."""
    promise = "nothing may be older than 20 days"
    retention = topic.number("retention.ms", -1)
    if "delete" not in topic.settings.get("cleanup.policy", "delete"):
        text = f"topic {topic.name} deletes nothing; {promise}: set cleanup.policy=delete"
        yield Finding(Severity.ERROR, text)
    if retention < 0 or retention > RETENTION_MS:
        kept = "for ever" if retention < 0 else f"{retention / _DAY_MS:.4g} days"
        yield Finding(
            Severity.ERROR,
            f"topic {topic.name} keeps records {kept}; {promise}: set retention.ms={RETENTION_MS}",
        )
    segment = topic.number("segment.ms", SEGMENT_MS)
    if segment > SEGMENT_MS:
        yield Finding(
            Severity.ERROR,
            f"topic {topic.name} goes on with a segment for {segment / _DAY_MS:.4g} days, and a "
            f"segment goes as a whole; {promise}: set segment.ms={SEGMENT_MS}",
        )


def _durability(topic: _Topic) -> Iterator[Finding]:
    if topic.replication < 2:
        yield Finding(
            Severity.WARNING,
            f"topic {topic.name} has replication {topic.replication}: an acknowledgement is one "
            "machine's memory, and an event is lost with that machine; use 3",
        )
    elif topic.number("min.insync.replicas", 1) < _MIN_IN_SYNC:
        yield Finding(
            Severity.WARNING,
            f"topic {topic.name} has min.insync.replicas 1: when others lag, an acknowledgement is "
            "one machine's memory; set min.insync.replicas=2",
        )
    # aiokafka tries again by itself and never says why: a batch only comes to be late.
    wanted = topic.number("min.insync.replicas", 1)
    if topic.in_sync < wanted:
        yield Finding(
            Severity.WARNING,
            f"topic {topic.name} has a partition with {topic.in_sync} of {topic.replication} "
            f"replicas in sync, and min.insync.replicas {wanted}: Kafka takes nothing there",
        )


def _largest_taken(topic: _Topic) -> int:
    return topic.number("max.message.bytes", _BROKERS_DEFAULT_MAX_MESSAGE)


def _timestamps(topic: _Topic) -> Iterator[Finding]:
    """What is older, or newer, Kafka refuses record by record."""
    for setting, wanted in (
        ("message.timestamp.before.max.ms", _OLDEST_MS),
        ("message.timestamp.after.max.ms", _AHEAD_MS),
    ):
        there = topic.number(setting, wanted)
        if there < wanted:
            text = f"topic {topic.name} has {setting}={there}: events outside it go to quarantine, "
            yield Finding(Severity.WARNING, f"{text}for good; set {setting}={wanted} or more")


def _shape(topic: _Topic, config: Kafka) -> Iterator[Finding]:
    if topic.partitions != config.partitions and topic.name == config.topic(EVENTS):
        yield Finding(
            Severity.WARNING,
            f"topic {topic.name} has {topic.partitions} partitions, kafka.partitions says "
            f"{config.partitions}: the topic's count is used",
        )
    if topic.settings.get("message.timestamp.type", "CreateTime") != "CreateTime":
        text = f"topic {topic.name} overwrites timestamps: set message.timestamp.type=CreateTime"
        yield Finding(Severity.WARNING, text)


def _size(topic: _Topic, config: Kafka, largest: int) -> Iterator[Finding]:
    """Whether one record fits, whatever is in it; and whether our batches do."""
    taken = _largest_taken(topic)
    one = largest + RECORD_OVERHEAD + BATCH_FRAMING
    mend = f"raise max.message.bytes to {max(one, _largest_batch(config))}"
    if taken < one:
        yield Finding(
            Severity.ERROR,
            f"topic {topic.name} takes {taken} bytes at once, and one event with its framing may "
            f"have {one}: what does not fit goes to quarantine; {mend}",
        )
    elif taken < _largest_batch(config):
        yield Finding(
            Severity.WARNING,
            f"topic {topic.name} takes batches of {taken} bytes, less than kafka.batch_bytes and "
            f"its framing: smaller batches are made; {mend}",
        )
