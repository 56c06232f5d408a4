"""Where events go: the store on disk or Kafka, each with its numbers for `/metrics`."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.beacon.largest import largest_record
from ingest.config import Config
from ingest.config import Store as StoreConfig
from ingest.log.accumulator import Accumulator
from ingest.log.batch import Batching
from ingest.log.delivery import Delivery
from ingest.log.kafka import KafkaSink
from ingest.log.partition import one_partition
from ingest.log.sink import Sink
from ingest.log.spool import Spool, SpoolCounts
from ingest.log.store import Store
from ingest.metrics import Number


@dataclass(frozen=True, slots=True)
class EventLog:
    """Where events go."""

    sink: Sink
    accumulator: Accumulator
    numbers: tuple[Number, ...]
    trouble: "Trouble"


class Trouble:
    """Why pings cannot be stored right now, for `/readyz`."""

    def __init__(self, sink: Sink, accumulator: Accumulator) -> None:
        self._sink = sink
        self._accumulator = accumulator

    def __call__(self) -> str | None:
        """In plain words; None while an event appended now would probably become durable."""
        if self._accumulator.ready:
            return None
        if self._sink.ready:
            return "too many events wait to be stored"
        trouble = getattr(self._sink, "trouble", None)
        return str(trouble) if trouble else "events cannot be stored"


def store_log(config: Config) -> EventLog:
    """Events go to segment files on disk."""
    store = Store(config.store_dir, config.store)
    # The store gathers batches while it syncs: waiting longer for company gains nothing.
    delivery = config.delivery.model_copy(update={"linger_max": config.delivery.linger_min})
    batching = Batching(lambda: config.kafka.batch_bytes, one_partition, lambda: 1)
    numbers = (
        *_store_numbers("store", store),
        Number("beacon_store_syncs_total", "Groups synced.", lambda: store.counts.groups),
        *_spool_numbers(SpoolCounts()),  # without Kafka the ledger's third line is 0 = 0
    )
    accumulator = Accumulator(store, delivery, batching, os.urandom)
    return EventLog(store, accumulator, numbers, Trouble(store, accumulator))


def kafka_log(config: Config, clock: Callable[[], int]) -> EventLog:
    """Events go to Kafka, through the spool where need be; `clock` returns epoch milliseconds."""
    kafka = KafkaSink(config.kafka, config.delivery, largest_record(config.headers.allow))
    spool = Spool(config.spool_dir, config.spool)
    aside = StoreConfig(max_bytes=config.spool.quarantine_bytes, min_free=config.spool.min_free)
    quarantine = Store(config.quarantine_dir, aside)
    batching = Batching(lambda: kafka.batch_limit, kafka.by_key.of, lambda: kafka.partitions)
    budget = config.delivery.max_waiting
    delivery = Delivery(kafka, spool, quarantine, batching, clock, config.spool, budget=budget)
    accumulator = Accumulator(delivery, config.delivery, batching, os.urandom)
    numbers = (
        Number("beacon_kafka_ready", "1 while Kafka takes batches.", lambda: float(kafka.ready)),
        Number(
            "beacon_delivery_breakers_open",
            "Partitions whose batches go to the spool without trying Kafka.",
            lambda: delivery.breakers_open,
        ),
        Number(
            "beacon_spool_oldest_seconds",
            "Seconds that the oldest event has waited in the spool.",
            lambda: delivery.oldest,
        ),
        *_spool_numbers(spool.counts),
        *_store_numbers("quarantine", quarantine),
    )
    return EventLog(delivery, accumulator, numbers, Trouble(delivery, accumulator))


def _store_numbers(name: str, store: Store) -> Sequence[Number]:
    counts = store.counts
    return (
        Number(f"beacon_{name}_bytes", f"Bytes of the {name}.", lambda: counts.bytes),
        Number(f"beacon_{name}_segments", "Segment files.", lambda: counts.segments),
        Number(
            f"beacon_{name}_refusing",
            "1 while nothing more is taken: full, or its disk fails.",
            lambda: float(store.trouble is not None),
        ),
        Number(
            f"beacon_{name}_segments_expired_total",
            "Segments deleted by retention.",
            lambda: counts.expired_segments,
        ),
        Number(f"beacon_{name}_torn_bytes", "Bytes cut at the start.", lambda: counts.torn_bytes),
        Number(
            f"beacon_{name}_damaged_frames",
            "Unreadable parts found at the start.",
            lambda: counts.damaged_frames,
        ),
    )


def _spool_numbers(counts: SpoolCounts) -> Sequence[Number]:
    return (
        Number("beacon_spool_bytes", "Bytes of the spool.", lambda: counts.bytes),
        Number("beacon_spool_torn_bytes", "Bytes cut at the start.", lambda: counts.torn_bytes),
        Number(
            "beacon_spool_damaged_frames",
            "Unreadable parts found at the start.",
            lambda: counts.damaged_frames,
        ),
        Number(
            "beacon_spool_events_lost",
            "Events of the spool that cannot be read any more.",
            lambda: counts.lost,
        ),
        Number(
            "beacon_spool_events_expired_total",
            "Events deleted at 20 days, never taken by Kafka.",
            lambda: counts.expired,
        ),
        Number(
            "beacon_spool_events_waiting_at_start",
            "Events that waited when the process started, but for those lost or expired.",
            lambda: counts.waiting_at_start,
        ),
        Number(
            "beacon_spool_events_replayed_total",
            "Events that Kafka took later.",
            lambda: counts.replayed,
        ),
        Number(
            "beacon_spool_events_quarantined_total",
            "Events that Kafka refuses for themselves.",
            lambda: counts.quarantined,
        ),
        Number("beacon_spool_events_waiting", "Events waiting now.", lambda: counts.waiting),
    )
