"""Builds a collector whose clock, ids and key are fixed, and requests for it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ingest.beacon.agent import Agents
from ingest.beacon.bots import Bots
from ingest.beacon.collect import Collector, Enrichment
from ingest.beacon.consent import Consent
from ingest.beacon.day_key import DayKey
from ingest.beacon.event_id import EventIds
from ingest.beacon.geo import Geo
from ingest.beacon.headers import AllowedHeaders
from ingest.beacon.hit import Hit, Peer
from ingest.beacon.network import TrustedProxies
from ingest.beacon.sites import Sites
from ingest.beacon.url import PageUrls
from ingest.beacon.verdict import Verdict
from ingest.beacon.visitor import VisitorNumber
from ingest.config import Config
from ingest.outcome import Outcome, Route

NOW = 1_767_323_045_678
"""2026-01-02T03:04:05.678Z"""
RECEIVED = "2026-01-02T03:04:05.678Z"
FIRST_ID = "019b7ca9-8f2e-7111-9111-111111111111"
"""What our ids are when every random byte is 0x11."""
PEER = Peer("192.0.2.0", False)
OWN_ORIGIN = "https://beacon.example"
CHROME = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Chrome/126.0.0.0 Safari/537.36"
)
GOOGLEBOT = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
_AGENTS = Agents(Bots())  # takes a second to make, and holds nothing that a test could change

Headers = Mapping[bytes, bytes]


def ones(size: int) -> bytes:
    """Randomness that is always the same."""
    return b"\x11" * size


def collector(
    directory: Path,
    geo: Path | None = None,
    sites: Sites | None = None,
    **sections: dict[str, Any],
) -> Collector:
    """A collector by the defaults, or by options such as `visitor={"mode": "cookie"}`.

    `directory` holds the key of the day, always the same.
    """
    config = Config(**sections)
    return Collector(
        Enrichment(
            TrustedProxies(config.http.trusted_proxies),
            Consent(config.signals, (OWN_ORIGIN,)),
            AllowedHeaders(config.headers.allow),
            sites or Sites(PageUrls(config.url.keep_params)),
            _AGENTS,
            Geo(geo),
            VisitorNumber(DayKey(directory / "visitor.key", ones, NOW)),
            config.visitor.mode,
            EventIds(ones),
        )
    )


def pixel(
    query: str | Mapping[str, str] | Iterable[tuple[str, str]] = "s=example",
    headers: Headers | None = None,
    peer: Peer = PEER,
    method: bytes = b"GET",
) -> Hit:
    """A request for `/p.gif`; fields are encoded, a text is sent as it is."""
    text = query if isinstance(query, str) else urlencode(list(_pairs(query)))
    return Hit(Route.PIXEL, method, "/p.gif", text.encode(), headers or {}, b"", peer)


def badge(
    site: str = "example", query: str = "", headers: Headers | None = None, method: bytes = b"GET"
) -> Hit:
    """A request for `/badge/SITE.svg`."""
    path = f"/badge/{site}.svg"
    return Hit(Route.BADGE, method, path, query.encode(), headers or {}, b"", PEER)


def post(body: object, headers: Headers | None = None, peer: Peer = PEER) -> Hit:
    """A `POST /e`; bytes are sent as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Hit(Route.EVENTS, b"POST", "/e", b"", headers or {}, raw, peer)


def changed(hit: Hit, **changes: Any) -> Hit:
    """The same request with other parts."""
    names = ("route", "method", "path", "query", "headers", "body", "peer")
    return Hit(**{name: changes.get(name, getattr(hit, name)) for name in names})


def only(collector: Collector, hit: Hit, now: int = NOW) -> Verdict:
    """The verdict on a request that has but one."""
    collected = collector.collect(hit, now)
    assert len(collected.verdicts) == 1
    return collected.verdicts[0]


def event(collector: Collector, hit: Hit, now: int = NOW) -> dict[str, Any]:
    """The event that a request becomes."""
    verdict = only(collector, hit, now)
    assert verdict.outcome is Outcome.STORED, verdict.reason
    made: dict[str, Any] = json.loads(verdict.event)
    return made


def _pairs(
    query: Mapping[str, str] | Iterable[tuple[str, str]],
) -> Iterable[tuple[str, str]]:
    return query.items() if isinstance(query, Mapping) else query
