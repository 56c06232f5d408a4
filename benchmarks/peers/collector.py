"""A small collector in Rust (`collector/src/main.rs`)."""

import re
from collections.abc import Sequence

from benchmarks.peers.peer import CACHE, HERE, Does, Peer, Place, Reach

SOURCE = HERE / "collector"
TARGET = CACHE / "collector"
PROGRAM = TARGET / "release" / "collector"


class Collector(Peer):
    """axum and rdkafka: answers when Kafka has acknowledged."""

    name = "Rust axum + rdkafka"
    does = Does(kafka=True, waits=True, anonymises=True, opts_out=True)

    def missing(self) -> str | None:
        """What `benchmarks peers --build` builds."""
        return None if PROGRAM.exists() else "not built: python -m benchmarks peers --build"

    def version(self) -> str:
        """Those that are built."""
        locked = dict(
            re.findall(r'name = "(\S+)"\nversion = "(\S+)"', (SOURCE / "Cargo.lock").read_text())
        )
        return f"axum {locked['axum']}, rdkafka {locked['rdkafka']}"

    def commands(self, place: Place) -> Sequence[Sequence[str]]:
        """One thread, and librdkafka's own."""
        return [[str(PROGRAM), str(place.port), place.bootstrap, place.topic]]


class CollectorFar(Collector):
    """The same on a Kafka that is slow to answer.

    Its batches wait for longer than a word takes to Kafka and back (50 ms). librdkafka with
    idempotence has one request of a partition under way, and while pings that have waited for
    `linger.ms` may not be sent, its thread does not sleep: with 5 ms it used 131 µs of CPU an event
    where it used 6 with 60 (rd_kafka_toppar_producer_serve in rdkafka_broker.c of 2.12 sets the
    next wake-up to now before it looks at what is in flight).
    """

    name = "Rust axum + rdkafka, slow Kafka"
    reach = Reach.FAR

    def commands(self, place: Place) -> Sequence[Sequence[str]]:
        """With a longer linger."""
        (words,) = super().commands(place)
        return [[*words, "60"]]
