"""What one would write first in Python: aiohttp with aiokafka, FastAPI with librdkafka."""

import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import ClassVar

from benchmarks.peers.peer import Does, Peer, Place


class _Packages(Peer):
    packages: ClassVar[Sequence[str]]
    module: ClassVar[str]

    def missing(self) -> str | None:
        """A package."""
        for package in self.packages:
            try:
                version(package)
            except PackageNotFoundError:
                return f"{package} is not installed"
        return None

    def version(self) -> str:
        """As installed."""
        return ", ".join(f"{package} {version(package)}" for package in self.packages)

    def commands(self, place: Place) -> Sequence[Sequence[str]]:
        """One process."""
        words = [str(place.port), place.bootstrap, place.topic]
        return [[sys.executable, "-m", self.module, *words]]


class Plain(_Packages):
    """One `send_and_wait` a ping."""

    name = "aiohttp + send_and_wait"
    does = Does(kafka=True, waits=True, anonymises=True)
    packages = ("aiohttp", "aiokafka", "uvloop")
    module = "benchmarks.peers.plain"


class FastApi(_Packages):
    """One delivery report a ping."""

    name = "FastAPI + confluent-kafka"
    does = Does(kafka=True, waits=True, anonymises=True)
    packages = ("fastapi", "uvicorn", "confluent-kafka", "uvloop", "httptools")
    module = "benchmarks.peers.fast_api"
