"""The counts of this process, wired: what they read, where they are kept, whom they tell.

A collector has none: it knows who is there now from the stats role, and asks that for the rest.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from logging import WARNING

from ingest.config import Config
from ingest.http.badge import NumberFor
from ingest.http.elsewhere import Elsewhere
from ingest.log.lock import DirectoryLock
from ingest.log.store import Store
from ingest.logs import say
from ingest.metrics import Number
from ingest.stats.answers import Answers
from ingest.stats.follow_kafka import KafkaFollower
from ingest.stats.follow_store import StoreFollower
from ingest.stats.keeper import Keeper
from ingest.stats.publish_now import NowPublisher
from ingest.stats.queries import Queries
from ingest.stats.read_now import NowReader
from ingest.stats.stats import Bounds, StatsCounts

_LOGGER = logging.getLogger("ingest")
_OLD = 60_000
"""Milliseconds without a sign of life after which a published number is none any more."""


class Counting:
    """Reads the store, or with Kafka reads only Kafka, and publishes who is there now."""

    def __init__(self, config: Config, store: Store | None, clock: Callable[[], int]) -> None:
        """`store` is None with Kafka.

        Raises `DirectoryInUse`, or `OSError` when the data directory is of no use.
        """
        self._lock = DirectoryLock(config.data_dir)
        bounds = Bounds(config.sites.max_active, config.stats.max_ids)
        self._keeper = Keeper(config.data_dir, bounds, clock, count_bots=config.stats.count_bots)
        self._follower: StoreFollower | KafkaFollower
        self._publisher: NowPublisher | None = None
        if store is not None:
            self._follower = StoreFollower(config.store_dir, self._keeper, lambda: store.end, clock)
        else:
            self._follower = KafkaFollower(config.kafka, self._keeper, clock)
        self._answers = Answers(self._keeper, self._follower.lag, clock)
        if store is None:
            self._publisher = NowPublisher(config.kafka, self._answers, clock)

    @property
    def queries(self) -> Queries:
        """For pages, badges and API."""
        return self._answers

    @property
    def online(self) -> NumberFor:
        """For badges."""
        return self._answers.online

    @property
    def elsewhere(self) -> None:
        """All pages are here."""
        return None

    async def start(self) -> None:
        """Begin, once the log has started."""
        self._follower.start()
        if self._publisher is not None:
            self._publisher.start()

    async def stop(self, timeout: float) -> None:
        """Save and end; what is not saved in `timeout` seconds is read again from the log."""
        stops = [self._follower.stop()]
        if self._publisher is not None:
            stops.append(self._publisher.stop())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*stops), timeout)
            self._lock.release()
            return
        say(_LOGGER, WARNING, "counts not saved in time", reason="they are read from the log again")

    @property
    def numbers(self) -> Sequence[Number]:
        """For `/metrics`."""
        return (
            _total("counted", "Events counted.", lambda: self._counts.counted),
            _total("bots", "Events of bots, not counted.", lambda: self._counts.bots),
            _total("duplicates", "Events seen before.", lambda: self._counts.duplicates),
            _total("too_old", "Events of days past keeping.", lambda: self._counts.too_old),
            _total("sites_full", "Events of sites too many.", lambda: self._counts.sites_full),
            _total("bad", "Records that are no events.", lambda: self._counts.bad),
            Number("beacon_stats_sites", "Sites in memory.", lambda: len(self._keeper.stats.sites)),
            Number(
                "beacon_stats_delayed",
                "1 while events reach the counts late.",
                lambda: float(self._follower.lag.since is not None),
            ),
            *self._of_the_store(),
        )

    def _of_the_store(self) -> Sequence[Number]:
        follower = self._follower
        if not isinstance(follower, StoreFollower):
            return ()
        return (
            Number(
                "beacon_stats_store_damaged_total",
                "Parts of the store that could not be read, and are not counted.",
                lambda: follower.damaged,
            ),
        )

    @property
    def _counts(self) -> StatsCounts:
        return self._keeper.stats.counts


class CountedElsewhere:
    """What a collector knows of the stats role's counts, and where that role's pages are."""

    def __init__(self, config: Config, clock: Callable[[], int]) -> None:
        """`clock` returns epoch milliseconds; machines' clocks may differ by some seconds."""
        self._reader = NowReader(config.kafka)
        self._clock = clock
        self.elsewhere = Elsewhere(
            config.stats.url, config.http.write_timeout, config.stats.max_streams
        )

    def online(self, site: str) -> int | None:
        """How many are there, as published; None while the stats role gives no sign of life."""
        as_of = self._reader.as_of
        if as_of is None or self._clock() - as_of > _OLD:
            return None
        return self._reader.online(site)

    async def start(self) -> None:
        """Begin to read what is published."""
        self._reader.start()
        await self.elsewhere.start()

    async def stop(self, timeout: float) -> None:
        """End."""
        await self.elsewhere.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._reader.stop(), timeout)

    @property
    def numbers(self) -> Sequence[Number]:
        """For `/metrics`."""
        return (
            Number(
                "beacon_now_as_of_seconds",
                "When the stats role last gave a sign of life, in epoch seconds; 0: never yet.",
                lambda: (self._reader.as_of or 0) / 1000,
            ),
        )


def _total(name: str, text: str, value: Callable[[], int]) -> Number:
    return Number(f"beacon_stats_events_{name}_total", text, value)
