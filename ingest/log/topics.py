"""The topics that we write: how we create them, and what is wrong with those that exist."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from ingest.config import Kafka
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
_REPLICATION = 3
_MIN_IN_SYNC = 2
_BROKERS_DEFAULT_MAX_MESSAGE = 1_048_588
_BATCH_MARGIN = 65_536


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
class _Topic:
    """A topic that exists."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]

    def number(self, setting: str, default: int) -> int:
        return int(self.settings.get(setting, default))


async def create(config: Kafka) -> list[Finding]:
    """Create what is missing and look at what exists. Raises `SinkError`."""
    async with admin_client(config) as admin:
        return await create_missing(admin, config)


async def check(config: Kafka) -> list[Finding]:
    """Look at the topics and change nothing. Raises `SinkError`."""
    async with admin_client(config) as admin:
        existing = await _describe(admin, config)
        missing = [name for name in _names(config) if name not in existing]
        absent = "does not exist; `ingest topics create` or the server's start makes it"
        found = [Finding(Severity.WARNING, f"topic {name} {absent}") for name in missing]
        return [*found, *_judge(existing, config)]


async def create_missing(admin: AIOKafkaAdminClient, config: Kafka) -> list[Finding]:
    """Do what `create` does with a client that is connected."""
    existing = await _describe(admin, config)
    missing = [name for name in _names(config) if name not in existing]
    found: list[Finding] = []
    if missing:
        brokers = len((await admin.describe_cluster())["brokers"])
        response = await admin.create_topics([_new(name, config, brokers) for name in missing])
        for name, code, *_ in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise SinkUnavailable(f"topic {name} cannot be created: {explain(error())}")
            found.append(Finding(Severity.OK, f"topic {name} created"))
        found += _machines(missing, brokers)
    return [*found, *_judge(existing, config)]


def _names(config: Kafka) -> list[str]:
    return [config.topic(name) for name in TOPICS]


def _new(name: str, config: Kafka, brokers: int) -> NewTopic:
    settings = {
        "cleanup.policy": "delete",
        "retention.ms": str(RETENTION_MS),
        "segment.ms": str(SEGMENT_MS),
        "min.insync.replicas": str(_MIN_IN_SYNC if brokers >= _REPLICATION else 1),
    }
    if _largest_batch(config) > _BROKERS_DEFAULT_MAX_MESSAGE:
        settings["max.message.bytes"] = str(_largest_batch(config))
    replication = min(_REPLICATION, brokers)
    return NewTopic(name, config.partitions, replication, topic_configs=settings)


def _largest_batch(config: Kafka) -> int:
    return config.batch_bytes + _BATCH_MARGIN


def _machines(names: list[str], brokers: int) -> Iterator[Finding]:
    if brokers < _REPLICATION:
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
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic["topic"]) for topic in topics]
    settings: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(asked):
        for _, _, _, name, entries in response.resources:
            settings[name] = {entry[0]: entry[1] for entry in entries}
    return {topic["topic"]: _topic(topic, settings) for topic in topics}


def _topic(topic: Mapping[str, Any], settings: Mapping[str, Mapping[str, str]]) -> _Topic:
    partitions = topic["partitions"]
    replication = min((len(partition["replicas"]) for partition in partitions), default=0)
    return _Topic(topic["topic"], len(partitions), replication, settings.get(topic["topic"], {}))


def _judge(topics: Mapping[str, _Topic], config: Kafka) -> list[Finding]:
    found: list[Finding] = []
    for topic in topics.values():
        problems = [*_privacy(topic), *_durability(topic), *_shape(topic, config)]
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


def _shape(topic: _Topic, config: Kafka) -> Iterator[Finding]:
    if topic.partitions != config.partitions and topic.name == config.topic(EVENTS):
        yield Finding(
            Severity.WARNING,
            f"topic {topic.name} has {topic.partitions} partitions, kafka.partitions says "
            f"{config.partitions}: the topic's count is used",
        )
    largest = topic.number("max.message.bytes", _BROKERS_DEFAULT_MAX_MESSAGE)
    if largest < _largest_batch(config):
        yield Finding(
            Severity.WARNING,
            f"topic {topic.name} takes batches of {largest} bytes, kafka.batch_bytes with its "
            f"framing may need {_largest_batch(config)}: raise max.message.bytes",
        )
    if topic.settings.get("message.timestamp.type", "CreateTime") != "CreateTime":
        text = f"topic {topic.name} overwrites timestamps: set message.timestamp.type=CreateTime"
        yield Finding(Severity.WARNING, text)
