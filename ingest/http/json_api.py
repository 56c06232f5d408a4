"""The parts of the JSON API, wired."""

import asyncio
from collections.abc import Callable

from ingest.config import Stats
from ingest.http.access import Access
from ingest.http.api import Api
from ingest.http.openapi import OpenApi
from ingest.http.stream import Pace, Stream
from ingest.stats.queries import Queries


class JsonApi:
    """What answers below `/api/v1/`."""

    def __init__(
        self,
        queries: Queries,
        access: Access,
        limits: Stats,
        clock: Callable[[], int],
        loop: asyncio.AbstractEventLoop,
        pace: Pace | None = None,
    ) -> None:
        """`clock` returns epoch milliseconds."""
        self.counts = Api(queries, access, clock)
        self.stream = Stream(queries, access, limits, loop, pace)
        self.description = OpenApi()
