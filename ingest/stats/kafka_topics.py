"""The topic that is read, and the one that is written: who is there now.

That one is compacted, of one partition. A record is a site's `{"now":17,"as_of":…}`; under the key
`_`, which is no site's name, it is `{"as_of":…,"delayed_since":…}`, written each time: a sign of
life. A site where nobody is any more is deleted (a record without value). There is nothing about a
person in it, so the 20 days are not asked of it.
"""

from collections.abc import Iterator

from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from ingest.config import Kafka
from ingest.log.kafka_client import admin_client
from ingest.log.sink import SinkUnavailable
from ingest.log.topics import REPLICATION, Finding, Severity, settings_of, unreadable

NAME = "now"
ALIVE = b"_"
_SETTINGS = {
    "cleanup.policy": "compact",
    "segment.ms": "600000",  # only closed segments are compacted
    "min.cleanable.dirty.ratio": "0.1",
}


async def look_at_now(config: Kafka) -> list[Finding]:
    """Find what is wrong with it, and change nothing. Raises as `admin_client` does."""
    name = config.topic(NAME)
    async with admin_client(config) as admin:
        topics = [each for each in await admin.describe_topics() if each["topic"] == name]
        if not topics:
            text = f"topic {name} does not exist; `ingest topics create` or the stats role makes it"
            return [Finding(Severity.WARNING, text)]
        settings = await settings_of(admin, [name])
        if name not in settings:
            return [unreadable(name)]
        found = list(_judge(name, len(topics[0]["partitions"]), settings[name]))
        return found or [Finding(Severity.OK, f"topic {name}: compacted")]


def _judge(name: str, partitions: int, settings: dict[str, str]) -> Iterator[Finding]:
    policies = settings.get("cleanup.policy", "delete").split(",")
    if "compact" not in policies:
        text = f"topic {name} grows for ever, or forgets: set cleanup.policy=compact"
        yield Finding(Severity.ERROR, text)
    elif "delete" in policies:
        text = f"topic {name} forgets steady numbers: set cleanup.policy=compact"
        yield Finding(Severity.WARNING, text)
    if partitions != 1:
        text = f"topic {name} has {partitions} partitions, not 1: only the first is read"
        yield Finding(Severity.ERROR, text)


async def create_now(config: Kafka) -> bool:
    """Create it where it is missing, and say whether. Raises as `admin_client`, or `KafkaError`."""
    async with admin_client(config) as admin:
        brokers = len((await admin.describe_cluster())["brokers"])
        topic = NewTopic(config.topic(NAME), 1, min(REPLICATION, brokers), topic_configs=_SETTINGS)
        response = await admin.create_topics([topic])
        for _, code, *_ in response.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise for_code(code)()
            return not code
    return False


async def partitions_of(config: Kafka, topic: str) -> list[int]:
    """A topic's partitions. Raises as `admin_client` does, and `SinkUnavailable` without it."""
    async with admin_client(config) as admin:
        # All topics are listed: asking for one by name would create it where brokers do that.
        for found in await admin.describe_topics():
            if found["topic"] == topic and found["partitions"]:
                return sorted(each["partition"] for each in found["partitions"])
    raise SinkUnavailable(f"topic {topic} does not exist yet")
