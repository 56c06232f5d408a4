"""`ingest tail`: events as JSON lines, from the store, from Kafka, or rejected ones."""

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from ingest.config import Config, Kafka
from ingest.log.kafka_client import admin_client, client_options, translate
from ingest.log.reader import Reader
from ingest.log.rejected import DIRECTORY
from ingest.log.rejected_files import FileName, rejected_files
from ingest.log.sink import SinkError, SinkTimeout
from ingest.logs import setup

_QUARANTINE = "quarantine"
_PAUSE = 0.1
"""Seconds between looks for something new, when following."""
_SILENCE = 30.0
"""Seconds without a record, with some still to come, after which Kafka is given up."""
_POLL_MS = 500


@dataclass(frozen=True, slots=True)
class TailOptions:
    """What to print."""

    topic: str
    """`events`, `rejected`, or `quarantine`: what Kafka refused, always on disk here."""
    from_beginning: bool
    """Else only what comes from now on."""
    follow: bool
    """Go on for ever; else stop where the end was at the start."""


class TailError(Exception):
    """There is nothing to read from; the message says what is missing."""


def tail(config: Config, options: TailOptions) -> int:
    """Print events to standard output; returns the exit code. Takes no lock and no offset."""
    setup(config.logs)
    try:
        if config.uses_kafka and options.topic != _QUARANTINE:
            asyncio.run(_tail_kafka(config.kafka, options))
        else:
            for lines in _local(config.data_dir, options):
                _print(lines)
    except (TailError, SinkError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        print(f"ingest: {error}", file=sys.stderr)
        return 1
    return 0


def _print(lines: list[bytes]) -> None:
    if lines:
        sys.stdout.buffer.write(b"\n".join(lines) + b"\n")
        sys.stdout.buffer.flush()


def _local(data_dir: Path, options: TailOptions) -> Iterator[list[bytes]]:
    if not data_dir.is_dir():
        raise TailError(f"{data_dir} does not exist: is this the server's data_dir?")
    if options.topic == "rejected":
        return _rejected(data_dir / DIRECTORY, options)
    if options.topic == _QUARANTINE:
        quarantine = data_dir / _QUARANTINE
        if not quarantine.is_dir():
            raise TailError(f"{quarantine} does not exist: no server with Kafka ran on it")
        return _store(quarantine, options)
    store = data_dir / "store"
    if not store.is_dir():
        raise TailError(f"{store} does not exist: nothing was stored here, or events go to Kafka")
    return _store(store, options)


def _store(directory: Path, options: TailOptions) -> Iterator[list[bytes]]:
    with Reader(directory) as reader:
        if not options.from_beginning:
            reader.skip_to_end()
        for batch in reader.follow(lambda: _wait(options)):
            yield [record.value for record in batch.records]


def _rejected(directory: Path, options: TailOptions) -> Iterator[list[bytes]]:
    """The whole lines of each file; a line that is being written waits for its end."""
    done: dict[FileName, int] = {}
    if not options.from_beginning and directory.is_dir():
        for name in rejected_files(directory):
            done[name] = (directory / str(name)).stat().st_size
    looking = True
    while looking:
        names = rejected_files(directory) if directory.is_dir() else []
        done = {name: done.get(name, 0) for name in names}
        for name in names:
            new = _whole_lines(directory / str(name), done[name])
            done[name] += len(new)
            yield new.splitlines()
        looking = _wait(options)


def _whole_lines(file: Path, offset: int) -> bytes:
    try:
        with file.open("rb") as opened:
            opened.seek(offset)
            new = opened.read()
    except FileNotFoundError:  # it was the oldest, and went
        return b""
    return new[: new.rfind(b"\n") + 1]


def _wait(options: TailOptions) -> bool:
    if options.follow:
        time.sleep(_PAUSE)
    return options.follow


async def _tail_kafka(config: Kafka, options: TailOptions) -> None:
    topic = config.topic(options.topic)
    async with admin_client(config) as admin:
        # All topics are listed: asking for one by name would create it where brokers do that.
        counts = {
            known["topic"]: len(known["partitions"]) for known in await admin.describe_topics()
        }
    if topic not in counts:
        raise TailError(f"topic {topic} does not exist on this cluster")
    partitions = [TopicPartition(topic, number) for number in range(counts[topic])]
    consumer = AIOKafkaConsumer(
        **client_options(config), auto_offset_reset="earliest", enable_auto_commit=False
    )
    try:
        await consumer.start()
        consumer.assign(partitions)
        await _consume(consumer, partitions, options)
    except KafkaError as error:
        raise translate(error) from None
    finally:
        await consumer.stop()


async def _consume(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition], options: TailOptions
) -> None:
    if options.from_beginning:
        await consumer.seek_to_beginning(*partitions)
    else:
        await consumer.seek_to_end(*partitions)
    ends = {} if options.follow else await consumer.end_offsets(partitions)
    heard = time.monotonic()
    while options.follow or not await _all_read(consumer, ends):
        records = await consumer.getmany(timeout_ms=_POLL_MS)
        for partition, found in records.items():
            end = ends.get(partition)
            _print([record.value for record in found if end is None or record.offset < end])
        if records:
            heard = time.monotonic()
        elif not options.follow and time.monotonic() - heard > _SILENCE:
            raise SinkTimeout(
                f"Kafka sent nothing for {_SILENCE:.0f} s, with records still to come"
            )


async def _all_read(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    for partition, end in ends.items():
        if await consumer.position(partition) < end:
            return False
    return True
