"""The public listener in this process: real sockets, both lanes; clock, ids and sink are ours."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ingest.app import enrichment
from ingest.beacon.collect import Collector
from ingest.beacon.geo import Geo
from ingest.beacon.network import TrustedProxies
from ingest.config import Config
from ingest.http.access import Access
from ingest.http.answers import Answers
from ingest.http.badge import NumberFor
from ingest.http.beacons import Beacons
from ingest.http.counted_pages import CountedPages
from ingest.http.counts import RequestCounts
from ingest.http.gate import Gate
from ingest.http.in_flight import InFlight
from ingest.http.json_api import JsonApi
from ingest.http.listener import PublicListener
from ingest.http.live import Live
from ingest.http.own_origin import OwnOrigin
from ingest.http.routes import routes
from ingest.http.shared import Shared
from ingest.http.slow_lane import Streamed
from ingest.http.stream import Pace
from ingest.log.accumulator import Accumulator
from ingest.log.batch import Batching
from ingest.log.partition import one_partition
from ingest.sockets import Options, bind, port_of
from ingest.stats.answers import Answers as StatsAnswers
from ingest.stats.delay import Lag
from ingest.stats.keeper import Keeper
from ingest.stats.stats import Bounds
from tests.support.memory_sink import MemorySink

NOW = 1_795_500_000_000
KEY = bytes(32)
"""With which cookies of private sites are made."""
_UNSAME = ("date", "connection")
"""Headers in which the lanes may differ."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; repeated ones joined with a line feed."""
    body: bytes

    @property
    def same(self) -> tuple[int, dict[str, str], bytes]:
        """What must be the same from both lanes."""
        kept = {name: text for name, text in self.headers.items() if name not in _UNSAME}
        return self.status, kept, self.body

    @property
    def outcome(self) -> str | None:
        return self.headers.get("beacon-outcome")

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Harness:
    """A listener and what stands behind it."""

    port: int
    shared: Shared
    sink: MemorySink
    accumulator: Accumulator
    public: PublicListener
    keeper: Keeper
    """The counts, which do not read the sink: tests apply events."""
    lag: Lag
    live: Live
    api: JsonApi
    rejected: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    """How many are online, by site."""
    collector: Collector | None = None

    @property
    def unknown_fields(self) -> int:
        """Parameters and members that no field has."""
        assert self.collector is not None
        return int(self.collector.counts.unknown_fields)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value) for record in self.sink.records]

    @property
    def counts(self) -> RequestCounts:
        return self.shared.counts

    @property
    def gate(self) -> Gate:
        """The one open connection, which is in the gate's hands."""
        (connection,) = self.shared.connections
        assert isinstance(connection, Gate)
        return connection

    def balanced(self) -> bool:
        """Whether the ledger of requests adds up."""
        counts = self.counts
        return counts.received == counts.answered.total() + counts.aborted + counts.in_flight

    def forget(self) -> None:
        """Let go of what was stored so far."""
        self.sink.records.clear()
        self.rejected.clear()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["Client"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()

    async def send(self, *pieces: bytes, method: bytes = b"GET") -> Answer:
        """Send bytes on a connection of its own and return the first answer."""
        async with self.connect() as client:
            for piece in pieces:
                await client.send(piece)
            return await client.answer(method)

    async def get(self, target: str, **headers: str) -> Answer:
        return await self.send(request("GET", target, headers))

    async def post(self, body: bytes, target: str = "/e", **headers: str) -> Answer:
        return await self.send(request("POST", target, headers, body))


@dataclass(frozen=True, slots=True)
class Client:
    """One connection of a client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)

    async def answer(self, method: bytes = b"GET") -> Answer:
        """Read one answer; an interim one is passed over."""
        async with asyncio.timeout(20):
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers: dict[str, str] = {}
            for line in lines:
                name, _, text = line.partition(": ")
                name = name.lower()
                headers[name] = f"{headers[name]}\n{text}" if name in headers else text
            status = int(first.split(" ")[1])
            if status == 100:
                return await self.answer(method)
            empty = method == b"HEAD" or status in (204, 304)
            length = 0 if empty else int(headers["content-length"])
            return Answer(status, headers, await self.reader.readexactly(length))

    async def closed(self) -> bool:
        """Whether the server closes the connection, having sent no more."""
        async with asyncio.timeout(20):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True


def request(
    method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """A request's bytes; `_` in header names stands for `-`."""
    fields = {"Host": "beacon.test"}
    fields |= {name.replace("_", "-"): text for name, text in (headers or {}).items()}
    if (body or method == "POST") and "Transfer-Encoding" not in fields:
        fields.setdefault("Content-Length", str(len(body)))
    lines = "".join(f"{name}: {text}\r\n" for name, text in fields.items() if text)
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


@asynccontextmanager
async def harness(
    directory: Path,
    pace: Pace | None = None,
    online: NumberFor | None = None,
    elsewhere: Streamed | None = None,
    **options: Any,
) -> AsyncIterator[Harness]:
    """A listener; `options` are sections of the configuration."""
    config = Config(data_dir=directory, **options)
    sink = MemorySink()
    delivery = config.delivery.model_copy(update={"linger_min": 0.0, "linger_max": 0.0})
    batching = Batching(lambda: config.kafka.batch_bytes, one_partition, lambda: 1)
    counter = itertools.count()
    accumulator = Accumulator(sink, delivery, batching, lambda size: next(counter).to_bytes(size))
    proxies = TrustedProxies(config.http.trusted_proxies)
    tools = enrichment(config, proxies, Geo(config.geo.database), bytes, NOW)
    own = OwnOrigin(config.http.public_url, proxies)
    rejected: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}

    def offer(_key: bytes, value: bytes, _time: int) -> None:
        rejected.append(orjson.loads(value))

    access = Access(tools.sites, own, KEY)
    number_for = access.if_public(online or numbers.get)
    collector = Collector(tools)
    beacons = Beacons(
        collector,
        accumulator,
        Answers(own, config.visitor.mode, number_for),
        offer,
        config.delivery.ack,
        lambda: NOW,
        InFlight(config.http.max_in_flight),
    )
    shared = Shared(
        config.http, config.widget, proxies, beacons, lambda: NOW, asyncio.get_running_loop()
    )
    keeper = Keeper(directory, Bounds(), lambda: NOW, count_bots=config.stats.count_bots)
    lag = Lag()
    queries = StatsAnswers(keeper, lag, lambda: NOW)
    here = CountedPages(config, queries, access, own, lambda: NOW, pace)
    there = None if elsewhere is not None else here
    handlers = routes(beacons, own, config, tools.sites, number_for, there, elsewhere)
    public = PublicListener(shared, handlers)
    await accumulator.start()
    sock = bind("127.0.0.1", 0, Options.PUBLIC)
    await public.start(sock)
    made = Harness(
        port_of(sock),
        shared,
        sink,
        accumulator,
        public,
        keeper,
        lag,
        here.live,
        here.api,
        rejected,
        numbers,
        collector,
    )
    try:
        yield made
    finally:
        public.stop_accepting()
        here.close_streams()
        await public.finish(0.0)
        await accumulator.close()
        keeper.close()
