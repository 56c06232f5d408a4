"""Pings as browsers send them, every one another visitor's, the same for the same seed."""

import random
from urllib.parse import quote

_AGENTS = 4_000
"""User agents in the pool. It is the same for every seed: the world's browsers."""
_SITES = 200
_WORDS = (
    "news",
    "sport",
    "weather",
    "travel",
    "recipes",
    "science",
    "garden",
    "music",
    "archive",
    "review",
    "market",
    "history",
    "family",
    "health",
    "school",
    "office",
    "winter",
    "summer",
    "bridge",
    "river",
    "castle",
    "window",
    "coffee",
    "letter",
)
_LANGUAGES = ("en-GB", "en-US", "de-DE", "fr-FR", "pl-PL", "es-ES", "it-IT", "nl-NL", "sv-SE")
_ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", "Europe/Warsaw", "Asia/Tokyo")
_SCREENS = ((1920, 1080), (1366, 768), (2560, 1440), (390, 844), (412, 915), (820, 1180))
_SYSTEMS = (
    ("Windows NT 10.0; Win64; x64", "Windows", False),
    ("Macintosh; Intel Mac OS X 10_15_7", "macOS", False),
    ("X11; Linux x86_64", "Linux", False),
    ("Linux; Android 14; SM-S9{0}B", "Android", True),
    ("Linux; Android 13; Pixel {1}", "Android", True),
)
_CHROME = "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} {end}"
_BRANDS = '"Chromium";v="{0}", "Google Chrome";v="{0}", "Not_A Brand";v="24"'


def requests(seed: int, count: int) -> list[bytes]:
    """Return `count` GET pings of about 700 bytes, all different."""
    agents = _agents()
    rng = random.Random(f"pings {seed}")
    return [_request(rng, agents, index) for index in range(count)]


def _agents() -> list[str]:
    """Head lines of each browser: user agent and client hints, all different."""
    rng = random.Random("agents")
    lines: dict[str, None] = {}
    while len(lines) < _AGENTS:
        lines[_agent(rng)] = None
    return list(lines)


def _agent(rng: random.Random) -> str:
    system, platform, mobile = rng.choice(_SYSTEMS)
    system = system.format(rng.randint(10, 38), rng.randint(4, 9))
    major = rng.randint(98, 146)
    version = f"{major}.0.{rng.randint(4000, 7000)}.{rng.randint(20, 220)}"
    end = "Mobile Safari/537.36" if mobile else "Safari/537.36"
    agent = _CHROME.format(system=system, version=version, end=end)
    return (
        f"User-Agent: {agent}\r\n"
        f"Sec-CH-UA: {_BRANDS.format(major)}\r\n"
        f"Sec-CH-UA-Mobile: ?{int(mobile)}\r\n"
        f'Sec-CH-UA-Platform: "{platform}"\r\n'
    )


def _request(rng: random.Random, agents: list[str], index: int) -> bytes:
    # Squared: as in the world, a few browsers and sites make most of the pings.
    agent = agents[int(rng.random() ** 2 * len(agents))]
    site = f"site-{int(rng.random() ** 2 * _SITES)}.example"
    language = rng.choice(_LANGUAGES)
    return (
        f"GET /p.gif?{_query(rng, site, language, index)} HTTP/1.1\r\n"
        "Host: beacon.example\r\n"
        f"X-Forwarded-For: {_address(rng)}\r\n"
        f"{agent}"
        "Accept: image/webp,*/*\r\n"
        "Accept-Encoding: gzip, deflate, br\r\n"
        f"Accept-Language: {language},{language[:2]};q=0.9\r\n"
        f"Referer: https://{site}/\r\n"
        f"Cookie: session={rng.getrandbits(64):016x}\r\n"
        "\r\n"
    ).encode("ascii")


def _query(rng: random.Random, site: str, language: str, index: int) -> str:
    width, height = rng.choice(_SCREENS)
    path = f"{rng.choice(_WORDS)}/{rng.choice(_WORDS)}-{index:x}{rng.getrandbits(24):06x}"
    fields = {
        "s": site,
        "u": f"https://{site}/{path}",
        "r": f"https://search.example/{rng.choice(_WORDS)}",
        "t": f"{rng.choice(_WORDS).title()} and {rng.choice(_WORDS)}",
        "p": f"{rng.getrandbits(64):016x}",
        "sw": str(width),
        "sh": str(height),
        "lang": language,
        "tz": rng.choice(_ZONES),
    }
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())


def _address(rng: random.Random) -> str:
    return (
        f"{rng.randint(11, 99)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
    )
