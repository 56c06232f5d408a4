"""The stats role: counts what Kafka holds, and answers pages and API. It takes no pings."""

import asyncio
import time
from collections.abc import Callable

from ingest.admin import AdminListener, Health
from ingest.beacon.network import TrustedProxies
from ingest.config import Config
from ingest.counting import Counting
from ingest.http.access import Access
from ingest.http.counted_pages import CountedPages
from ingest.http.in_flight import InFlight
from ingest.http.listener import PublicListener
from ingest.http.no_beacons import NoBeacons
from ingest.http.own_origin import OwnOrigin
from ingest.http.routes import routes
from ingest.http.shared import Shared
from ingest.metrics import Metrics, connection_numbers, stream_numbers
from ingest.reading_key import reading_key
from ingest.reload import reload_sites
from ingest.sites_file import open_sites
from ingest.sockets import Options, bind, shown


class StatsServer:
    """All parts of one process, wired."""

    def __init__(self, config: Config, clock: Callable[[], int]) -> None:
        """`clock` returns epoch milliseconds. Raises `SinkError` or `OSError`."""
        self._config = config
        self._stopping = False
        self.counting = Counting(config, None, clock)
        proxies = TrustedProxies(config.http.trusted_proxies)
        own = OwnOrigin(config.http.public_url, proxies)
        beacons = NoBeacons(InFlight(config.http.max_in_flight))
        loop = asyncio.get_running_loop()
        shared = Shared(config.http, config.widget, proxies, beacons, clock, loop)
        queries = self.counting.queries
        self.sites = open_sites(config)
        access = Access(self.sites, own, reading_key(config))
        self.here = CountedPages(config, queries, access, own, clock)
        handlers = routes(
            beacons, own, config, self.sites, access.if_public(queries.online), self.here
        )
        self.public = PublicListener(shared, handlers)
        numbers = (
            *connection_numbers(shared.counts),
            *self.counting.numbers,
            *stream_numbers(self.here),
        )
        metrics = Metrics(shared.counts, None, numbers)
        self.admin = AdminListener(config.admin, metrics.registry, Health(self._not_ready))

    async def start(self) -> tuple[str, str]:
        """Start every part, the public socket last; returns the two addresses."""
        sock = bind(self._config.http.host, self._config.http.port, Options.PUBLIC)
        await self.counting.start()
        await self.admin.start()
        await self.public.start(sock)
        return shown(self._config.http.host, sock), self.admin.url

    async def stop(self, grace: float) -> None:
        """Answer what was taken, and save the counts; `grace` seconds at most."""
        deadline = time.monotonic() + 0.9 * grace
        self._stopping = True
        self.public.stop_accepting()
        self.here.close_streams()
        await self.public.finish(0.5 * grace)
        await self.counting.stop(max(deadline - time.monotonic(), 1.0))
        await self.admin.close()

    async def reload(self) -> None:
        """Read the sites file again."""
        if await reload_sites(self._config, self.sites):
            self.here.close_streams()  # who may not read any more is told so on coming back

    async def housekeeping(self) -> None:
        """Nothing: the counts see to themselves."""

    def _not_ready(self) -> str | None:
        # Late counts are answered with, saying since when: better than no answer.
        return "stopping" if self._stopping else None
