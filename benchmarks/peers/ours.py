"""Our own server, in the same shape."""

import sys
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.peers.peer import Does, Peer, Place, Reach

_ALL = {"waits": True, "anonymises": True, "opts_out": True, "cleans": True}


class Ours(Peer):
    """A collector on Kafka; what counts runs elsewhere."""

    name = "ours on Kafka"
    does = Does(kafka=True, **_ALL)
    lane = "true"
    role = "collector"

    def missing(self) -> str | None:
        """Nothing: it is here."""
        return None

    def version(self) -> str:
        """Of the package."""
        return f"beacon-ingest {version('beacon-ingest')}"

    def commands(self, place: Place) -> Sequence[Sequence[str]]:
        """One worker; the generator is a trusted proxy, as nginx would be."""
        return [
            [
                sys.executable, "-m", "ingest", "serve", "--port", str(place.port),
                "--admin-port", "0", "--data-dir", str(place.directory / "data"),
                "--set", 'http.trusted_proxies=["127.0.0.1/32"]',
                "--set", f"http.fast_lane={self.lane}", *self.sink(place),
            ]
        ]  # fmt: skip

    def sink(self, place: Place) -> Sequence[str]:
        """Words that say where events go."""
        prefix = f"kafka.topic_prefix={place.prefix}"
        return ["--kafka", place.bootstrap, "--set", prefix, "--role", self.role]


class OursStore(Ours):
    """`ingest serve` on its own store, which counts too."""

    name = "ours on its store"
    does = Does(**_ALL)

    def sink(self, place: Place) -> Sequence[str]:
        """The store, by default."""
        return []


class OursCounting(Ours):
    """`ingest serve` on Kafka, which also reads all of it again and counts."""

    name = "ours on Kafka, counting too"
    role = "all"


class OursSlow(Ours):
    """A collector on Kafka, without the fast lane."""

    name = "ours by aiohttp on Kafka"
    lane = "false"


class OursFar(Ours):
    """A collector on a Kafka that is slow to answer."""

    name = "ours on slow Kafka"
    reach = Reach.FAR


class OursAlone(Ours):
    """A collector told of a Kafka that is not there: all goes to the spool."""

    name = "ours without its Kafka"
    reach = Reach.ABSENT
