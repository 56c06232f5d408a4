"""Browsers as they are seen in the world: user agent, client hints, and how often."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from fake_useragent import FakeUserAgent

POOL = 4_000
"""Different user agents. The list has some 800; the others are of earlier versions of these."""
_OLDER = 0.05
"""How often each older version is seen, to one of the list."""
_VERSION = re.compile(r"(Chrome|Firefox|Version|CriOS|SamsungBrowser|rv:)(/?)(\d+)")
_BRANDS = '"Chromium";v="{0}", "Google Chrome";v="{0}", "Not_A Brand";v="24"'
_CHROMIUM = re.compile(r"Chrome/(\d+)")
_PLATFORMS = (
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "Chrome OS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Agents:
    """Head lines of browsers, each as often as its weight says."""

    lines: Sequence[str]
    weights: Sequence[float]
    """Cumulated, as `random.choices` takes them."""

    def draw(self, rng: random.Random, count: int) -> list[str]:
        """So many browsers, the popular ones often."""
        return rng.choices(self.lines, cum_weights=self.weights, k=count)


def agents() -> Agents:
    """The same for every seed: the world's browsers (the list that `fake-useragent` keeps)."""
    seen: dict[str, float] = {}
    for row in FakeUserAgent().data_browsers:
        seen[row["useragent"]] = seen.get(row["useragent"], 0.0) + row["percent"]
    known, weights = list(seen), list(accumulate(seen.values()))
    rng = random.Random("agents")
    while len(seen) < POOL:
        (agent,) = rng.choices(known, cum_weights=weights)
        older = _older(agent, rng.randint(1, 40))
        if older not in seen:
            seen[older] = seen[agent] * _OLDER
    return Agents([_lines(agent) for agent in seen], list(accumulate(seen.values())))


def _older(agent: str, by: int) -> str:
    return _VERSION.sub(lambda m: f"{m[1]}{m[2]}{max(int(m[3]) - by, 1)}", agent)


def _lines(agent: str) -> str:
    """`User-Agent`, and the client hints that Chromium sends with it."""
    lines = f"User-Agent: {agent}\r\n"
    chromium = _CHROMIUM.search(agent)
    if chromium is None:
        return lines
    platform = next((name for part, name in _PLATFORMS if part in agent), "Unknown")
    return (
        f"{lines}Sec-CH-UA: {_BRANDS.format(chromium[1])}\r\n"
        f"Sec-CH-UA-Mobile: ?{int('Mobile' in agent)}\r\n"
        f'Sec-CH-UA-Platform: "{platform}"\r\n'
    )
