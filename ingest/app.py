"""The one place where things are wired, and the orderly start and stop."""

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from logging import ERROR, INFO, WARNING

import uvloop

from ingest.admin import AdminListener, Health
from ingest.beacon.agent import Agents
from ingest.beacon.bots import Bots
from ingest.beacon.collect import Collector, Enrichment
from ingest.beacon.consent import Consent
from ingest.beacon.day_key import DayKey, KeyFileError
from ingest.beacon.event_id import EventIds
from ingest.beacon.geo import Geo, GeoError
from ingest.beacon.headers import AllowedHeaders
from ingest.beacon.network import TrustedProxies
from ingest.beacon.url import PageUrls
from ingest.beacon.visitor import VisitorNumber
from ingest.config import Config, Role
from ingest.config import Store as StoreConfig
from ingest.descriptors import connections_within_limit
from ingest.http.answers import Answers
from ingest.http.beacons import Beacons
from ingest.http.counts import RequestCounts
from ingest.http.listener import PublicListener
from ingest.http.own_origin import OwnOrigin
from ingest.http.routes import routes
from ingest.http.shared import Shared
from ingest.log.accumulator import Accumulator
from ingest.log.batch import Batching
from ingest.log.delivery import QUARANTINE, Delivery
from ingest.log.files import OsFiles
from ingest.log.kafka import KafkaSink
from ingest.log.partition import Partitions, one_partition
from ingest.log.recovery import segment_names
from ingest.log.rejected import RejectedWriter
from ingest.log.retention import sweep
from ingest.log.sink import Sink, SinkError
from ingest.log.spool import Spool, SpoolCounts
from ingest.log.store import Store
from ingest.logs import catch_unhandled, say, setup
from ingest.metrics import Metrics, Number
from ingest.sockets import bind, port_of

_LOGGER = logging.getLogger("ingest")
_STORE = "store"
_SPOOL = "spool"
_HOUSEKEEPING = 5.0
"""Seconds between looks at the geolocation file and the date."""


class StartError(Exception):
    """The server cannot start; the message says in plain words what to mend."""


def now() -> int:
    """Epoch milliseconds by the machine's clock."""
    return time.time_ns() // 1_000_000


def serve(config: Config) -> int:
    """Run the server until SIGTERM or SIGINT; returns the process's exit code."""
    setup(config.logs)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(config))
    except (StartError, SinkError, OSError, KeyFileError, GeoError) as error:
        say(_LOGGER, ERROR, "cannot start", reason=str(error))
        return 1


@dataclass(frozen=True, slots=True)
class _Log:
    """Where events go."""

    sink: Sink
    accumulator: Accumulator
    numbers: tuple[Number, ...]
    trouble: "_Trouble"


class _Trouble:
    """Why pings cannot be stored right now, for `/readyz`."""

    def __init__(self, sink: Sink, accumulator: Accumulator) -> None:
        self._sink = sink
        self._accumulator = accumulator

    def __call__(self) -> str | None:
        if self._accumulator.ready:
            return None
        if self._sink.ready:
            return "too many events wait to be stored"
        trouble = getattr(self._sink, "trouble", None)
        return str(trouble) if trouble else "events cannot be stored"


class Server:
    """All parts of one process, wired."""

    def __init__(self, config: Config) -> None:
        loop = asyncio.get_running_loop()
        self._config = config
        self._stopping = False
        self.log = _kafka_log(config) if config.uses_kafka else _store_log(config)
        self.rejected = RejectedWriter(config)
        self.proxies = TrustedProxies(config.http.trusted_proxies)
        self.geo = Geo(config.geo.database)
        tools = enrichment(config, self.proxies, self.geo, os.urandom, now())
        self.visitors = tools.visitors
        self.collector = Collector(tools)
        own = OwnOrigin(config.http.public_url, self.proxies)
        beacons = Beacons(
            self.collector,
            self.log.accumulator,
            Answers(own, config.visitor.mode),
            self.rejected.offer,
            config.delivery.ack,
            now,
        )
        self.shared = Shared(config.http, self.proxies, beacons, now, loop)
        self.public = PublicListener(self.shared, routes(beacons, own))
        counts = self.shared.counts
        numbers = (
            *_connection_numbers(counts),
            *self.log.numbers,
            *_rejected_numbers(self.rejected),
        )
        metrics = Metrics(counts, self.collector.counts, self.log.accumulator, numbers)
        self.admin = AdminListener(config.admin, metrics.registry, Health(self._not_ready))

    async def start(self) -> tuple[str, str]:
        """Start every part, the public socket last; returns the two addresses."""
        config = self._config
        sock = bind(config.http.host, config.http.port)  # a taken port is found out at once
        await self.log.accumulator.start()
        await self.rejected.start()
        await self.admin.start()
        await self.public.start(sock)
        host = f"[{config.http.host}]" if ":" in config.http.host else config.http.host
        return f"http://{host}:{port_of(sock)}", self.admin.url

    async def stop(self, grace: float) -> None:
        """Take nothing more, answer what was taken, make it durable; `grace` seconds at most."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 0.9 * grace
        self._stopping = True
        self.public.stop_accepting()
        accumulator = self.log.accumulator
        finish = asyncio.ensure_future(self.public.finish(deadline - loop.time()))
        while not finish.done():  # what comes in while stopping is not left to linger
            accumulator.flush()
            await asyncio.wait((finish,), timeout=0.02)
        await accumulator.drain(max(deadline - loop.time(), 0))
        await accumulator.close()
        await self.rejected.close()
        await self.admin.close()

    async def housekeeping(self) -> None:
        """See to what changes slowly, for as long as the server runs."""
        while True:
            await asyncio.sleep(_HOUSEKEEPING)
            try:
                await asyncio.to_thread(self.geo.refresh)  # a copy of some 60 MB
                self.visitors.turn_key(now())
                if self._config.uses_kafka:  # an earlier store's events grow old all the same
                    await asyncio.to_thread(sweep, self._config.data_dir / _STORE, now())
            except Exception:
                _LOGGER.exception("housekeeping failed")

    def _not_ready(self) -> str | None:
        return "stopping" if self._stopping else self.log.trouble()


async def _serve(config: Config) -> int:
    loop = asyncio.get_running_loop()
    catch_unhandled(loop)
    config.data_dir.mkdir(parents=True, exist_ok=True)
    if reason := why_not(config):
        raise StartError(reason)
    server = Server(_within_descriptors(config))
    stop = _stop_signal(loop)
    url, admin_url = await server.start()
    to = "kafka" if config.uses_kafka else str(config.data_dir / _STORE)
    say(_LOGGER, INFO, "listening", url=url, admin_url=admin_url, events_to=to)
    _warn(config)
    _collect_seldom()
    housekeeping = loop.create_task(server.housekeeping())
    name = await stop
    say(_LOGGER, INFO, "stopping", signal=name)
    housekeeping.cancel()
    await server.stop(config.shutdown.grace)
    say(_LOGGER, INFO, "stopped")
    return 0


def why_not(config: Config) -> str | None:
    """What is asked for and cannot be, in plain words: better no start than a promise not kept."""
    if config.role is not Role.ALL or config.workers > 1:
        return "roles other than all, and workers above 1, are not part of this version"
    if config.sites.file is not None or config.stats.url is not None:
        return "sites.file and stats.url are not part of this version: leave them out"
    spool = config.data_dir / _SPOOL
    if not config.uses_kafka and spool.is_dir() and segment_names(OsFiles(), spool):
        return f"{spool} holds confirmed events that wait for Kafka: start with --kafka"
    return None


def _within_descriptors(config: Config) -> Config:
    """Take no more connections than the process may have."""
    wanted = config.http.max_connections
    fitting = connections_within_limit(wanted)
    if fitting == wanted:
        return config
    reason = "the limit on open files is too low: raise it (ulimit -n, LimitNOFILE)"
    what = "fewer connections than http.max_connections"
    say(_LOGGER, WARNING, what, connections=fitting, reason=reason)
    http = config.http.model_copy(update={"max_connections": fitting})
    return config.model_copy(update={"http": http})


def _stop_signal(loop: asyncio.AbstractEventLoop) -> "asyncio.Future[str]":
    """Resolves at the first SIGTERM or SIGINT; the second ends the process at once.

    Even then nothing confirmed is lost: it was durable before it was confirmed.
    """
    stop: asyncio.Future[str] = loop.create_future()

    def stopped(number: signal.Signals) -> None:
        if stop.done():
            os._exit(128 + number)
        stop.set_result(number.name)

    # A reload, to those who send it; there is nothing yet that only a signal would reread.
    loop.add_signal_handler(signal.SIGHUP, say, _LOGGER, INFO, "nothing to reload")
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped, number)
    return stop


def _collect_seldom() -> None:
    """Have the garbage collector leave alone what stays, and come after 20,000 new objects.

    Hundreds of pings wait at a time, so that at its default of 700 it looks at them again and
    again and finds nothing: their objects go by themselves. It took 8 % of the time in a profile
    (benchmarks/results/first.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def _warn(config: Config) -> None:
    """Say at the start what works less well than one may think."""
    if config.uses_kafka and (config.data_dir / _STORE).is_dir():
        reason = "events from a time without Kafka stay there until they are 20 days old"
        say(_LOGGER, WARNING, "the store is not used", reason=reason)
    url = config.http.public_url
    loopback = config.http.host in ("127.0.0.1", "::1", "localhost")
    if (
        not loopback
        and (url is None or url.startswith("http:"))
        and not config.http.trusted_proxies
    ):
        reason = "without HTTPS in front browsers keep the opt-out cookie from other sites"
        say(_LOGGER, WARNING, "opt-out does not reach other sites", reason=reason)


def _store_log(config: Config) -> _Log:
    store = Store(config.data_dir / _STORE, config.store)
    # The store gathers batches while it syncs: waiting longer for company gains nothing.
    delivery = config.delivery.model_copy(update={"linger_max": config.delivery.linger_min})
    batching = Batching(config.kafka.batch_bytes, one_partition, lambda: 1)
    numbers = (
        Number("beacon_store_bytes", "Bytes of the store.", lambda: store.counts.bytes),
        Number("beacon_store_segments", "Segment files.", lambda: store.counts.segments),
        Number("beacon_store_syncs_total", "Groups synced.", lambda: store.counts.groups),
        Number(
            "beacon_store_segments_expired_total",
            "Segments deleted by retention.",
            lambda: store.counts.expired_segments,
        ),
        Number(
            "beacon_store_torn_bytes", "Bytes cut at the start.", lambda: store.counts.torn_bytes
        ),
        Number(
            "beacon_store_damaged_frames",
            "Unreadable parts found at the start.",
            lambda: store.counts.damaged_frames,
        ),
        *_spool_numbers(SpoolCounts()),  # without Kafka the ledger's third line is 0 = 0
    )
    accumulator = Accumulator(store, delivery, batching, os.urandom)
    return _Log(store, accumulator, numbers, _Trouble(store, accumulator))


def _kafka_log(config: Config) -> _Log:
    kafka = KafkaSink(config.kafka, config.delivery)
    partitions = Partitions(lambda: kafka.partitions)
    spool = Spool(config.data_dir / _SPOOL, config.spool)
    aside = StoreConfig(max_bytes=config.spool.quarantine_bytes, min_free=config.spool.min_free)
    quarantine = Store(config.data_dir / QUARANTINE, aside)
    batching = Batching(config.kafka.batch_bytes, partitions.of, lambda: kafka.partitions)
    delivery = Delivery(kafka, spool, quarantine, batching, now, config.spool)
    accumulator = Accumulator(delivery, config.delivery, batching, os.urandom)
    numbers = (
        Number("beacon_kafka_ready", "1 while Kafka takes batches.", lambda: float(kafka.ready)),
        Number(
            "beacon_delivery_breaker_open",
            "1 while everything goes to the spool without trying Kafka.",
            lambda: float(delivery.breaker_open),
        ),
        Number(
            "beacon_spool_oldest_seconds",
            "Seconds that the oldest event has waited in the spool.",
            lambda: delivery.oldest,
        ),
        *_spool_numbers(spool.counts),
    )
    return _Log(delivery, accumulator, numbers, _Trouble(delivery, accumulator))


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


def enrichment(
    config: Config,
    proxies: TrustedProxies,
    geo: Geo,
    entropy: Callable[[int], bytes],
    today: int,
) -> Enrichment:
    """Build what the collector looks things up with; `today` is in epoch milliseconds."""
    public_url = config.http.public_url
    own_origins = (public_url,) if public_url else ()
    key = DayKey(config.visitor_key_file, entropy, today)
    if key.warning:
        say(_LOGGER, WARNING, "the visitors' key is not secret", reason=key.warning)
    return Enrichment(
        proxies,
        Consent(config.signals, own_origins),
        AllowedHeaders(config.headers.allow),
        PageUrls(config.url.keep_params),
        Agents(Bots()),
        geo,
        VisitorNumber(key),
        config.visitor.mode,
        EventIds(entropy),
    )


def _connection_numbers(counts: RequestCounts) -> Sequence[Number]:
    return (
        Number("beacon_connections_open", "Open connections.", lambda: counts.connections),
        Number(
            "beacon_connections_refused_total",
            "Connections closed at once, above the bound.",
            lambda: counts.turned_away,
        ),
    )


def _rejected_numbers(rejected: RejectedWriter) -> Sequence[Number]:
    counts = rejected.counts
    return (
        Number("beacon_rejected_written_total", "Rejected events kept.", lambda: counts.written),
        Number("beacon_rejected_dropped_total", "Rejected events let go.", lambda: counts.dropped),
    )
