"""Visits as they come: real user agents, networks of documentation, twenty days in one go."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlencode

import mmdb_writer
from aiohttp import ClientSession, TCPConnector
from netaddr import IPSet

from tests.support.false_clock import DAY, FalseClock
from tests.support.metrics import scrape
from tests.support.server import Server, start_server
from tests.support.wait import until_async

DAYS = 20
_HOUR = 3_600_000
_MINUTE = 60_000
_COUNTRIES = {
    "DE": 30, "US": 26, "FR": 14, "GB": 12, "NL": 9, "BR": 8, "IN": 8, "JP": 6, "CA": 6, "AU": 5,
    "ES": 5, "PL": 4, "SE": 4, "ZA": 2, "NZ": 2, "KE": 1, "AR": 2, "MX": 3, "IT": 5, "SG": 2,
}  # fmt: skip
_AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{}.0.0.0 Safari/537.36": 34,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 Mobile/15E148 Safari/604.{}": 22,
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{}.0.0.0 Mobile Safari/537.36": 20,
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0": 9,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.{} (KHTML, like Gecko) "
    "Version/18.5 Safari/605.1.15": 10,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{0}.0.0.0 Safari/537.36 Edg/{0}.0.0.0": 8,
}
_PAGES = {
    "/": 30, "/blog/counting-without-cookies": 18, "/docs/": 14, "/pricing": 9, "/blog/": 8,
    "/docs/install": 7, "/about": 4, "/blog/a-week-on-the-front-page": 12, "/changelog": 3,
}  # fmt: skip
_REFERRERS = {
    "": 40, "https://news.example/item": 16, "https://search.example/": 24,
    "https://forum.example/t/12": 8, "https://social.example/@someone": 10,
}  # fmt: skip
_HOURS = (2, 1, 1, 1, 2, 3, 5, 8, 11, 13, 14, 15, 14, 15, 17, 18, 17, 15, 13, 12, 10, 8, 5, 3)
"""How many visits come in the hours of a day."""
_LANGUAGES = ("de-DE,de;q=0.9", "en-GB,en;q=0.8", "en-US,en;q=0.9", "fr-FR", "nl", "pt-BR", "ja")


@dataclass(frozen=True)
class Visited:
    """A server that was visited for twenty days."""

    server: Server
    site: str


class Traffic:
    """Visits of one site; `seed` makes them the same each time."""

    def __init__(self, site: str, seed: int = 7) -> None:
        self.site = site
        self.sent = 0
        self._random = Random(seed)

    def geo_database(self, path: Path) -> Path:
        """Countries of the networks that visits come from."""
        writer = mmdb_writer.MMDBWriter(6, "Test")
        for number, code in enumerate(_COUNTRIES):
            network = IPSet([f"2001:db8:{number:x}::/48"])
            writer.insert_network(network, {"country": {"iso_code": code}})
        writer.to_db_file(str(path))
        return path

    async def send(self, server: Server, ages: list[int]) -> None:
        """Send a ping for each age, in milliseconds."""
        async with ClientSession(server.url, connector=TCPConnector(limit=16)) as client:
            await asyncio.gather(*(self._ping(client, age) for age in ages))
        self.sent += len(ages)

    def day(self, visits: int) -> list[int]:
        """Ages of a day's visits: many in the afternoon, few at night."""
        hours = self._random.choices(range(24), _HOURS, k=visits)
        return [(24 - hour) * _HOUR - self._random.randrange(_HOUR) for hour in hours]

    def last(self, minutes: int, visits: int) -> list[int]:
        """Ages of visits of the last minutes."""
        return [self._random.randrange(minutes * _MINUTE) for _ in range(visits)]

    def _pick(self, weights: dict[str, int]) -> str:
        return self._random.choices(list(weights), list(weights.values()))[0]

    async def _ping(self, client: ClientSession, age: int) -> None:
        network = list(_COUNTRIES).index(self._pick(_COUNTRIES))
        page = f"https://{self.site}{self._pick(_PAGES)}"
        query = {"s": self.site, "u": page, "w": "pro", "age": age}
        if referrer := self._pick(_REFERRERS):
            query["r"] = referrer
        headers = {
            "X-Forwarded-For": f"2001:db8:{network:x}::1",
            "User-Agent": self._pick(_AGENTS).format(self._random.randrange(120, 150)),
            "Accept-Language": self._random.choice(_LANGUAGES),
        }
        async with client.get(f"/p.gif?{urlencode(query)}", headers=headers) as answer:
            assert answer.status == 200


async def visited_for_days(directory: Path, site: str = "garden.example") -> Visited:
    """A server that stood for twenty days, by a clock that was turned; now it is right."""
    traffic = Traffic(site)
    clock = FalseClock(directory)
    clock.turn_to_midnight(-(DAYS - 2) * DAY - 600)
    server = start_server(
        directory,
        "--set", f"geo.database={traffic.geo_database(directory / 'geo.mmdb')}",
        "--set", 'http.trusted_proxies=["127.0.0.0/8"]',
        env=clock.environment,
    )  # fmt: skip
    for number in range(DAYS - 1):
        clock.turn(DAY if number else 0)
        await traffic.send(server, traffic.day(130 + 9 * number + (number * 37) % 50))
    clock.right()
    await traffic.send(server, traffic.day(400))
    await traffic.send(server, traffic.last(30, 36))
    await until_async(
        lambda: scrape(server.admin_url)["beacon_stats_events_counted_total"] == traffic.sent
    )
    return Visited(server, site)
