"""Pageviews as they stand on the log, with the fields that a browser's have."""

import json
import time
from collections.abc import Iterator
from random import Random
from uuid import UUID

from ingest.stats.queries import DAY, HOUR

NOON = 1_732_449_600_000
"""2024-11-24 12:00 UTC, in epoch milliseconds."""
SPAN = HOUR
_BROWSERS = ("Chrome", "Firefox", "Safari", "Edge")
_SYSTEMS = ("Windows", "Mac OS X", "Linux", "Android", "iOS")
_COUNTRIES = ("DE", "FR", "US", "GB", "BR", "IN", "JP", "PL")
_DEVICES = ("desktop", "mobile", "tablet")
_REFERRERS = ("https://www.google.com/", "https://news.example/item", "https://other.example/x")
_HEADERS = {
    "accept-language": "de-DE,de;q=0.9,en;q=0.8",
    "sec-ch-ua": '"Chromium";v="131", "Not_A Brand";v="24"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
}


def of_an_hour(number: int, sites: int, seed: int) -> Iterator[bytes]:
    """Events of the hour before noon, spread evenly over sites."""
    random = Random(seed)
    for each in range(number):
        yield event(random, random.randrange(sites), NOON - SPAN + SPAN * each // number)


def of_a_day(sites: int) -> Iterator[tuple[int, bytes]]:
    """When, and what: ten visits to each site, in the order of time."""
    random, visits = Random(1), 10 * sites
    for number in range(visits):
        at = NOON - 12 * HOUR + DAY * number // visits
        yield at, event(random, number % sites, at)


def event(random: Random, site: int, at: int) -> bytes:
    """A pageview as it stands on the log."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(at // 1000)) + f"{at % 1000:03d}Z"
    made = {
        "v": 1,
        "id": str(UUID(int=random.getrandbits(128))),
        "time": when,
        "received": when,
        "site": f"site-{site}.example",
        "name": "pageview",
        "widget": "pro",
        "bot": False,
        "share": True,
        "device": random.choice(_DEVICES),
        "url": f"https://site-{site}.example/articles/{random.randrange(200)}?utm_source=mail",
        "url_source": "field",
        "referrer": random.choice(_REFERRERS),
        "title": "What one should know about counting",
        "page_id": "abcdefghijklmnop",
        "ip": "192.0.2.0",
        "visitor": random.getrandbits(32),
        "country": random.choice(_COUNTRIES),
        "browser": random.choice(_BROWSERS),
        "browser_version": "131",
        "os": random.choice(_SYSTEMS),
        "os_version": "10",
        "language": "de-DE",
        "timezone": "Europe/Berlin",
        "screen_width": 1920,
        "screen_height": 1080,
        "viewport_width": 1903,
        "viewport_height": 969,
        "headers": _HEADERS,
    }
    return json.dumps(made, separators=(",", ":")).encode()
