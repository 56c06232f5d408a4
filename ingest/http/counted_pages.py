"""What is answered from the counts of this process: the API, its stream, and the live page."""

import asyncio
from collections.abc import Callable

from ingest.config import Config
from ingest.http.access import Access
from ingest.http.json_api import JsonApi
from ingest.http.live import Live
from ingest.http.own_origin import OwnOrigin
from ingest.http.stream import Pace
from ingest.stats.queries import Queries


class CountedPages:
    """They stand where counts are: not on a collector that sends such requests elsewhere."""

    def __init__(
        self,
        config: Config,
        queries: Queries,
        access: Access,
        own: OwnOrigin,
        clock: Callable[[], int],
        pace: Pace | None = None,
    ) -> None:
        """On the loop. `clock` returns epoch milliseconds."""
        loop = asyncio.get_running_loop()
        self.api = JsonApi(queries, access, config.stats, clock, loop, pace)
        self.live = Live(queries, access, own, config.widget, config.privacy, clock)

    def close_streams(self) -> None:
        """End the streams: viewers come back, where they still may."""
        self.api.stream.close()
