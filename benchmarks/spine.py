"""µs of each step of the spine, in process, over varied traffic: where to look, not what it costs.

Each step is called by itself with inputs that were made before, over and over. So it is hot in the
processor's caches as it is not between a socket's reads, and the figures of a step are lower than
its share of a running server. What a flame graph shows on top, reading and writing sockets,
batches, Kafka, is no step here.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.plan import Target, Visits
from benchmarks.load.visitors import requests
from benchmarks.report import spread
from ingest.app import enrichment
from ingest.beacon.browser import Browsers
from ingest.beacon.collect import Collector
from ingest.beacon.consent import has_no_cookies, has_opted_out
from ingest.beacon.event import EventWriter
from ingest.beacon.event_text import EventText
from ingest.beacon.fields import SHORT_NAMES
from ingest.beacon.geo import Geo
from ingest.beacon.hit import Hit, hit_of
from ingest.beacon.network import TrustedProxies
from ingest.beacon.page import PageWriter
from ingest.beacon.plain import put_plain
from ingest.beacon.query import QueryReader
from ingest.beacon.sites import SiteRules
from ingest.beacon.times import Times
from ingest.beacon.url import PageUrls
from ingest.beacon.visit import Visit
from ingest.config import Config, VisitorMode
from ingest.http.answers import Answers
from ingest.http.clock import now
from ingest.http.head import parse_head
from ingest.http.own_origin import OwnOrigin
from ingest.http.reply import encode
from ingest.outcome import Outcome, Route

_PEER = "127.0.0.1"
COLLECT = "collect: all from consent to JSON, and what joins them"
_DATE = b"Date: Tue, 24 Nov 2026 17:09:08 GMT\r\n"


@dataclass(frozen=True, slots=True)
class Step:
    """A step, and its µs per ping in each round."""

    name: str
    microseconds: Sequence[float]


@dataclass(frozen=True, slots=True)
class _Inputs:
    """One ping at each stage of its way."""

    raw: bytes
    hit: Hit
    visit: Visit
    values: list[object]
    verdict: object


def steps(directory: Path, pings: int, rounds: int) -> list[Step]:
    """Time all steps, in turns; `directory` takes the day's key."""
    spine = _Spine(Config(data_dir=directory, http={"trusted_proxies": [f"{_PEER}/32"]}))
    visits = Visits(opt_outs=0.0, prepared=pings)
    heads = requests(Target.of("http://127.0.0.1:8080/p.gif"), visits)
    inputs = [spine.inputs(raw) for raw in heads]
    calls = spine.calls()
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        empty = _timed(lambda _ping: None, inputs)
        for name, call in calls.items():
            found[name].append(max(_timed(call, inputs) - empty, 0.0) / pings * 1e6)
    return [Step(name, took) for name, took in found.items()]


def text(found: Sequence[Step]) -> str:
    """A table, in the order of the spine."""
    lines = ["| step | µs per ping, least–median–most |", "|---|--:|"]
    for step in found:
        lines.append(f"| {step.name} | {spread(step.microseconds, 2)} |")
    return "\n".join(lines)


class _Spine:
    """The parts of a server that a ping goes through, wired as `app` wires them."""

    def __init__(self, config: Config) -> None:
        self._proxies = TrustedProxies(config.http.trusted_proxies)
        self._tools = enrichment(config, self._proxies, Geo(None), os.urandom, now())
        self._collector = Collector(self._tools)
        self._browsers = Browsers(self._tools.agents)
        own = OwnOrigin(config.http.public_url, self._proxies)
        self._answers = Answers(own, VisitorMode.HASH, lambda _site: None)
        self._max_headers = config.http.max_headers
        self._peer = self._proxies.peer(_PEER)
        self._reader = QueryReader(SHORT_NAMES)
        self._urls = PageUrls(config.url.keep_params)
        self._now = now()

    def inputs(self, raw: bytes) -> _Inputs:
        """What each step is given."""
        head = parse_head(raw, 0, self._max_headers)
        hit = hit_of(Route.PIXEL, head, b"", self._peer)
        verdict = self._collector.collect(hit, self._now).verdicts[0]
        if verdict.outcome is not Outcome.STORED:
            raise ValueError(f"a ping of the load generator is {verdict.outcome}, not stored")
        return _Inputs(
            raw,
            hit,
            self._visit(hit),
            self._reader.read(hit.query),
            verdict,
        )

    def _visit(self, hit: Hit) -> Visit:
        head, visit = hit.head, Visit()
        visit.now, visit.received = self._now, Times().text(self._now)
        visit.network = self._proxies.client(hit.peer, head)
        visit.share = True
        visit.browser = self._browsers.of(head)
        visit.place = self._tools.geo.place(visit.network)
        visit.uid = None
        return visit

    def calls(self) -> dict[str, Callable[[_Inputs], object]]:
        """Each step, in order."""
        tools, at = self._tools, self._now
        number, text, dropped = tools.visitors.number, EventText(), list[str]()
        page, rules = PageWriter(text), SiteRules(self._urls)
        writer = EventWriter(tools.ids, Times(), tools.visitors, tools.headers)
        return {
            "parse the head": lambda p: parse_head(p.raw, 0, self._max_headers),
            "consent": self._consent,
            "anonymise the address": lambda p: self._proxies.client(p.hit.peer, p.hit.head),
            "name the browser": lambda p: self._browsers.of(p.hit.head),
            "write kept headers": lambda p: (
                text.begin(), tools.headers.put(p.hit.head, text)
            ),
            "look up the place (no database)": lambda p: tools.geo.place(p.visit.network),
            "read the query": lambda p: self._reader.read(p.hit.query),
            "write both addresses and the title": lambda p: (
                text.begin(), page.put(p.values, p.hit.head, self._urls, dropped)
            ),
            "write the plain fields": lambda p: (
                text.begin(), put_plain(p.values, text, dropped)
            ),
            "number the visitor": lambda p: number(
                at, b"site", p.visit.network, p.hit.head
            ),
            "make an id": lambda _p: tools.ids.new(at),
            "write the event, with these four": lambda p: writer.write(
                p.visit, Route.PIXEL, p.hit.head, b"site", b"pageview", rules, False, p.values
            ),
            COLLECT: lambda p: self._collector.collect(p.hit, at),
            "respond": self._respond,
        }  # fmt: skip

    def _consent(self, ping: _Inputs) -> None:
        head, consent = ping.hit.head, self._tools.consent
        has_opted_out(head)
        consent.ignored(ping.hit)
        has_no_cookies(head)
        consent.share(head)

    def _respond(self, ping: _Inputs) -> bytes:
        answer = self._answers.single(ping.hit, ping.verdict, Outcome.STORED)
        return encode(answer, _DATE, b"", False)


def _timed(call: Callable[[_Inputs], object], inputs: Sequence[_Inputs]) -> float:
    began = time.process_time()
    for ping in inputs:
        call(ping)
    return time.process_time() - began
