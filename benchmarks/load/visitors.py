"""Pings of visitors drawn from seeded distributions, as bytes, the same for the same seed."""

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

from benchmarks.load.agents import Agents, agents
from benchmarks.load.plan import Kind, Target, Visits

ARRAY = 10
"""Events in an array."""
_PAGES = 20
"""Pings made for each visitor with a connection of their own."""
_WORDS = (
    "news", "sport", "weather", "travel", "recipes", "science", "garden", "music", "archive",
    "review", "market", "history", "family", "health", "school", "office", "winter", "summer",
    "bridge", "river", "castle", "window", "coffee", "letter",
)  # fmt: skip
_LANGUAGES = ("en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "pl-PL", "it-IT", "nl-NL", "sv-SE")
_ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", "Europe/Warsaw", "Asia/Tokyo")
_SCREENS = ((1920, 1080), (1366, 768), (2560, 1440), (390, 844), (412, 915), (820, 1180))
_NAMES = ("pageview", "pageview", "heartbeat", "copy", "leave")
_MIXTURE = (Kind.PIXEL, Kind.PIXEL, Kind.PIXEL, Kind.JSON)
_SIGNALS = (("Sec-GPC: 1\r\n", 0.03), ("DNT: 1\r\n", 0.05))
"""Privacy signals, and how many browsers send them."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Someone in front of a browser."""

    headers: str
    """Head lines that are theirs: address, browser, language, cookies."""
    language: str
    screen: tuple[int, int]
    zone: str


class Traffic:
    """Where connections take their requests from."""

    def __init__(self, made: Sequence[bytes], sticky: bool) -> None:
        """`made`: all that is prepared; `sticky`: the pings of a visitor stand together."""
        self._sticky = sticky
        self._all: Iterator[bytes] = iter(())
        self._groups: Iterator[Sequence[bytes]] = iter(())
        if sticky:
            self._groups = itertools.cycle(
                [made[i : i + _PAGES] for i in range(0, len(made), _PAGES)]
            )
        else:
            self._all = itertools.cycle(made)

    def visit(self) -> Iterator[bytes]:
        """Requests, without end, for a connection that opens: its visitor's, or of those of all."""
        return itertools.cycle(next(self._groups)) if self._sticky else self._all


def requests(target: Target, visits: Visits, share: int = 0) -> list[bytes]:
    """All that is prepared, in its order; `share`: other visitors for each process of one load."""
    rng = random.Random(f"pings {visits.seed} {share}")
    return _Writer(target, visits, rng).make(visits.prepared)


class _Writer:
    def __init__(self, target: Target, visits: Visits, rng: random.Random) -> None:
        self._target = target
        self._visits = visits
        self._rng = rng
        self._agents = _agents()
        weights = itertools.accumulate(1 / rank for rank in range(1, visits.sites + 1))
        self._site_weights = list(weights)
        self._sites = [f"site-{number}.example" for number in range(visits.sites)]

    def make(self, count: int) -> list[bytes]:
        rng, pages = self._rng, _PAGES if self._visits.sticky else 1
        made: list[bytes] = []
        visitors = -(-count // pages)
        if self._visits.each_agent:
            browsers = list(itertools.islice(itertools.cycle(self._agents.lines), visitors))
        else:
            browsers = self._agents.draw(rng, visitors)
        sites = rng.choices(self._sites, cum_weights=self._site_weights, k=len(browsers))
        for browser, site in zip(browsers, sites, strict=True):
            visitor = self._visitor(browser)
            made += [self._request(visitor, site) for _ in range(pages)]
        return made[:count]

    def _visitor(self, browser: str) -> Visitor:
        rng = self._rng
        language = _skewed(rng, _LANGUAGES)
        cookies = [f"session={rng.getrandbits(64):016x}"]
        if rng.random() < 0.3:
            cookies.append(f"theme={rng.choice(_WORDS)}")
        if rng.random() < self._visits.opt_outs:
            cookies.insert(rng.randrange(len(cookies) + 1), "optout=1")
        signals = "".join(line for line, share in _SIGNALS if rng.random() < share)
        headers = (
            f"X-Forwarded-For: {_address(rng)}\r\n"
            f"{browser}"
            "Accept-Encoding: gzip, deflate, br\r\n"
            f"Accept-Language: {language},{language[:2]};q=0.9\r\n"
            f"Cookie: {'; '.join(cookies)}\r\n{signals}"
        )
        return Visitor(headers, language, rng.choice(_SCREENS), _skewed(rng, _ZONES))

    def _request(self, visitor: Visitor, site: str) -> bytes:
        kind = self._visits.kind
        if kind is Kind.MIXED:
            kind = self._rng.choice(_MIXTURE)
        if kind is Kind.PIXEL:
            return self._pixel(visitor, site)
        if kind is Kind.JSON:
            return self._post(visitor, site, self._event(visitor, site))
        events = [self._event(visitor, site) for _ in range(ARRAY)]
        return self._post(visitor, site, events)

    def _pixel(self, visitor: Visitor, site: str) -> bytes:
        fields = self._fields(visitor, site)
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
        return (
            f"GET {self._target.path}?{query} HTTP/1.1\r\n"
            f"Host: {self._target.authority}\r\n"
            "Accept: image/webp,*/*\r\n"
            f"{visitor.headers}"
            f"Referer: https://{site}/\r\n\r\n"
        ).encode("ascii")

    def _post(self, visitor: Visitor, site: str, value: object) -> bytes:
        body = json.dumps(value, separators=(",", ":")).encode()
        mixed = self._visits.kind is Kind.MIXED
        path = self._target.post_path if mixed else self._target.path
        head = (
            f"POST {path} HTTP/1.1\r\n"
            f"Host: {self._target.authority}\r\n"
            "Accept: */*\r\n"
            f"{visitor.headers}"
            f"Origin: https://{site}\r\n"
            f"Referer: https://{site}/\r\n"
            "Content-Type: text/plain;charset=UTF-8\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("ascii") + body

    def _fields(self, visitor: Visitor, site: str) -> dict[str, str]:
        rng = self._rng
        page = f"{rng.choice(_WORDS)}/{rng.choice(_WORDS)}-{rng.getrandbits(40):010x}"
        return {
            "s": site,
            "u": f"https://{site}/{page}",
            "r": f"https://search.example/{rng.choice(_WORDS)}",
            "t": f"{rng.choice(_WORDS).title()} and {rng.choice(_WORDS)}",
            "p": f"{rng.getrandbits(64):016x}",
            "sw": str(visitor.screen[0]),
            "sh": str(visitor.screen[1]),
            "lang": visitor.language,
            "tz": visitor.zone,
        }

    def _event(self, visitor: Visitor, site: str) -> dict[str, object]:
        fields: dict[str, object] = {**self._fields(visitor, site), "e": self._rng.choice(_NAMES)}
        if fields["e"] == "copy":
            fields["n"] = self._rng.randint(1, 400)
        return fields


@cache
def _agents() -> Agents:
    return agents()


def _skewed(rng: random.Random, values: Sequence[str]) -> str:
    """One of them, the first ones more often."""
    return values[int(rng.random() ** 2 * len(values))]


def _address(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return f"2001:db8:{rng.getrandbits(16):x}:{rng.getrandbits(16):x}::{rng.getrandbits(16):x}"
    return (
        f"{rng.randint(11, 99)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
    )
