"""The one place where things are wired, and the orderly start and stop."""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Callable, Sequence
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
from ingest.beacon.visitor import VisitorNumber
from ingest.config import Config, Role
from ingest.counting import CountedElsewhere, Counting
from ingest.event_log import kafka_log, store_log
from ingest.http.access import Access
from ingest.http.answers import Answers
from ingest.http.beacons import Beacons
from ingest.http.clock import now
from ingest.http.counted_pages import CountedPages
from ingest.http.in_flight import InFlight
from ingest.http.listener import PublicListener
from ingest.http.own_origin import OwnOrigin
from ingest.http.routes import routes
from ingest.http.shared import Shared
from ingest.log.delivery import Delivery
from ingest.log.files import OsFiles
from ingest.log.rejected import RejectedWriter
from ingest.log.retention import sweep
from ingest.log.segment import ASIDE, SUFFIX
from ingest.log.sink import SinkError
from ingest.log.store import Store
from ingest.logs import catch_unhandled, say, setup
from ingest.metrics import Metrics, Number, connection_numbers, stream_numbers
from ingest.preflight import warn, why_not, within_descriptors
from ingest.reading_key import reading_key
from ingest.reload import reload_sites
from ingest.sites_file import SitesError, open_sites
from ingest.sockets import Options, bind, shown
from ingest.stats_server import StatsServer
from ingest.watch import Watch

_LOGGER = logging.getLogger("ingest")
_HOUSEKEEPING = 5.0
"""Seconds between looks at the geolocation file and the date."""


class StartError(Exception):
    """The server cannot start; the message says in plain words what to mend."""


def serve(config: Config) -> int:
    """Run the server until SIGTERM or SIGINT; returns the process's exit code."""
    setup(config.logs)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(config))
    except (StartError, SinkError, OSError, KeyFileError, GeoError, SitesError) as error:
        say(_LOGGER, ERROR, "cannot start", reason=str(error))
        return 2 if isinstance(error, (StartError, SitesError)) else 1  # 2: bad configuration


class Server:
    """All parts of a process that takes pings, wired."""

    def __init__(self, config: Config) -> None:
        loop = asyncio.get_running_loop()
        self._config = config
        self._stopping = False
        self.log = kafka_log(config, now) if config.uses_kafka else store_log(config)
        self.rejected = RejectedWriter(config)
        self.proxies = TrustedProxies(config.http.trusted_proxies)
        self.geo = Geo(config.geo.database)
        tools = enrichment(config, self.proxies, self.geo, os.urandom, now())
        self.visitors = tools.visitors
        self.sites = tools.sites
        self.counts = self._counts()
        self.collector = Collector(tools)
        own = OwnOrigin(config.http.public_url, self.proxies)
        access = Access(self.sites, own, reading_key(config))
        number_for = access.if_public(self.counts.online)
        beacons = Beacons(
            self.collector,
            self.log.accumulator,
            Answers(own, config.visitor.mode, number_for),
            self.rejected.offer,
            config.delivery.ack,
            now,
            InFlight(config.http.max_in_flight),
        )
        self.shared = Shared(config.http, config.widget, self.proxies, beacons, now, loop)
        self.here = self._here(access, own)
        elsewhere = self.counts.elsewhere
        handlers = routes(beacons, own, config, self.sites, number_for, self.here, elsewhere)
        self.public = PublicListener(self.shared, handlers)
        counts = self.shared.counts
        numbers = (
            Number("beacon_ready", "1 while `/readyz` is 200.", self._ready),
            *connection_numbers(counts),
            *self.log.numbers,
            *_rejected_numbers(self.rejected),
            *self.counts.numbers,
            *stream_numbers(self.here),
        )
        metrics = Metrics(counts, (self.collector.counts, self.log.accumulator), numbers)
        self.admin = AdminListener(config.admin, metrics.registry, Health(self._not_ready))
        self._watch = Watch(self.log.trouble, lambda: counts.shed)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> tuple[str, str]:
        """Start every part, the public socket last; returns the two addresses."""
        config = self._config
        # First: a taken port is found out at once.
        sock = bind(config.http.host, config.http.port, Options.PUBLIC)
        await self.log.accumulator.start()
        await self.counts.start()
        await self.rejected.start()
        await self.admin.start()
        await self.public.start(sock)
        self._watching = asyncio.create_task(self._watch.run(), name="watch")
        return shown(config.http.host, sock), self.admin.url

    async def stop(self, grace: float) -> None:
        """Take nothing more, answer what was taken, make it durable; `grace` seconds at most."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 0.6 * grace  # closing takes some seconds with Kafka away
        self._stopping = True
        if self._watching is not None:
            self._watching.cancel()
        if isinstance(self.log.sink, Delivery):  # else a long `delivery.timeout` outlasts us
            loop.call_later(0.4 * grace, self.log.sink.give_up)
        self.public.stop_accepting()
        if self.here is not None:
            self.here.close_streams()
        accumulator = self.log.accumulator
        finish = asyncio.ensure_future(self.public.finish(deadline - loop.time()))
        while not finish.done():  # what comes in while stopping is not left to linger
            accumulator.flush()
            await asyncio.wait((finish,), timeout=0.02)
        await accumulator.drain(max(deadline - loop.time(), 0))
        saving = self.counts.stop(0.3 * grace)
        await asyncio.gather(accumulator.close(), saving, self.rejected.close())
        await self.admin.close()

    async def housekeeping(self) -> None:
        """See to what changes slowly, for as long as the server runs."""
        while True:
            await asyncio.sleep(_HOUSEKEEPING)
            try:
                await asyncio.to_thread(self.geo.refresh)  # a copy of some 60 MB
                self.visitors.turn_key(now())
                if self._config.uses_kafka:  # an earlier store's events grow old all the same
                    for ending in (SUFFIX, ASIDE):
                        await asyncio.to_thread(sweep, self._config.store_dir, now(), ending)
            except Exception:
                _LOGGER.exception("housekeeping failed")

    def _counts(self) -> Counting | CountedElsewhere:
        if self._config.role is Role.COLLECTOR:
            return CountedElsewhere(self._config, now)
        store = self.log.sink if isinstance(self.log.sink, Store) else None
        return Counting(self._config, store, now)

    def _here(self, access: Access, own: OwnOrigin) -> CountedPages | None:
        if isinstance(self.counts, CountedElsewhere):
            return None
        return CountedPages(self._config, self.counts.queries, access, own, now)

    async def reload(self) -> None:
        """Read the sites file again; with a mistake in it the sites stay as they are."""
        if await reload_sites(self._config, self.sites) and self.here is not None:
            self.here.close_streams()  # who may not read any more is told so on coming back

    def _not_ready(self) -> str | None:
        return "stopping" if self._stopping else self._watch.trouble

    def _ready(self) -> float:
        return float(self._not_ready() is None)


async def _serve(config: Config) -> int:
    loop = asyncio.get_running_loop()
    catch_unhandled(loop)
    OsFiles().make_directory(config.data_dir)
    if reason := why_not(config):
        raise StartError(reason)
    config = within_descriptors(config)
    server = StatsServer(config, now) if config.role is Role.STATS else Server(config)
    stop = _stop_signal(loop)
    _reload_on_hangup(loop, server)
    url, admin_url = await server.start()
    log = "kafka" if config.uses_kafka else str(config.store_dir)
    said = {"events_from": log} if config.role is Role.STATS else {"events_to": log}
    say(_LOGGER, INFO, "listening", url=url, admin_url=admin_url, **said)
    warn(config, server.sites)
    _collect_seldom()
    housekeeping = loop.create_task(server.housekeeping())
    name = await stop
    say(_LOGGER, INFO, "stopping", signal=name)
    housekeeping.cancel()
    return await _stop_within(server, config.shutdown.grace)


async def _stop_within(server: Server | StatsServer, grace: float) -> int:
    """Stop in order; what does not end, a disk that hangs say, must not keep the process."""
    try:
        async with asyncio.timeout(grace):
            await server.stop(grace)
    except TimeoutError:
        reason = "not done within shutdown.grace; what was confirmed is stored, the rest may be"
        say(_LOGGER, ERROR, "ended without closing all files", reason=reason)
        os._exit(1)  # a thread that waits for the disk cannot be ended otherwise
    say(_LOGGER, INFO, "stopped")
    return 0


def _stop_signal(loop: asyncio.AbstractEventLoop) -> "asyncio.Future[str]":
    """Resolves at the first SIGTERM or SIGINT; the second ends the process at once.

    Even then nothing confirmed is lost: it was durable before it was confirmed.
    """
    stop: asyncio.Future[str] = loop.create_future()

    def stopped(number: signal.Signals) -> None:
        if stop.done():
            os._exit(128 + number)
        stop.set_result(number.name)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped, number)
    return stop


def _reload_on_hangup(loop: asyncio.AbstractEventLoop, server: Server | StatsServer) -> None:
    under_way: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(server.reload())
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)


def _collect_seldom() -> None:
    """Have the garbage collector leave alone what stays, and come after 20,000 new objects.

    Hundreds of pings wait at a time, so that at its default of 700 it looks at them again and
    again and finds nothing: their objects go by themselves. It took 8 % of the time in a profile
    (benchmarks/results/first.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


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
        open_sites(config),
        Agents(Bots()),
        geo,
        VisitorNumber(key),
        config.visitor.mode,
        EventIds(entropy),
    )


def _rejected_numbers(rejected: RejectedWriter) -> Sequence[Number]:
    counts = rejected.counts
    return (
        Number("beacon_rejected_written_total", "Rejected events kept.", lambda: counts.written),
        Number("beacon_rejected_dropped_total", "Rejected events let go.", lambda: counts.dropped),
    )
