"""Browser, operating system and device, from the user agent and the client hints.

Client hints (WICG, User-Agent Client Hints) are structured headers (RFC 9651); one that is
malformed says nothing.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from ua_parser import load_lazy_builtins
from ua_parser.regex import Resolver

from ingest.beacon.bots import Bots
from ingest.beacon.remembered import Remembered

_REMEMBERED = 10_000
_REMEMBERED_BRANDS = 1_000
_LONGEST = 1_024
"""Bytes of a header that are looked at."""
_LONGEST_NAME = 64
"""Characters of a name or version at most; bytes of the small hints that are looked at."""

_TEXT = r'(?:[ !#-\[\]-~]|\\["\\])*+'
# No `*+` around a group: Python 3.11.2, Debian's, takes half an iteration for a whole one.
_BRAND = re.compile(
    rf'[ \t]*+"({_TEXT})"((?: *+; *+[a-z*][a-z0-9_.*-]*+(?:=(?:"{_TEXT}"|[^\s",;]++))?)*)'
    r"[ \t]*+(,|\Z)"
).match
_MAJOR = re.compile(r'; *v="([0-9]{1,6})[^0-9]').match
_GREASE = re.compile(r"not.*brand", re.IGNORECASE).search
_ENGINE = "Chromium"
_WEBVIEW = "Chrome Mobile WebView"
_FAMILIES = {
    "Brave": ("Brave", "Brave"),
    "HuaweiBrowser": ("Huawei Browser", "Huawei Browser"),
    "Microsoft Edge": ("Edge", "Edge Mobile"),
    "Microsoft Edge WebView2": ("Edge", "Edge Mobile"),
    "Opera": ("Opera", "Opera Mobile"),
    "Opera Mobile": ("Opera", "Opera Mobile"),
    "OperaMobile": ("Opera", "Opera Mobile"),
    "Samsung Internet": ("Samsung Internet", "Samsung Internet"),
    "Yandex": ("Yandex Browser", "Yandex Browser"),
    "YaBrowser": ("Yandex Browser", "Yandex Browser"),
    # Last, because some browsers name Chrome beside themselves.
    "Google Chrome": ("Chrome", "Chrome Mobile"),
    "Android WebView": (_WEBVIEW, _WEBVIEW),
}
"""ua-parser's families for brands, on computers and on phones; others stand for themselves."""
_PLATFORMS = {
    b'"Android"': "Android",
    b'"Chrome OS"': "Chrome OS",
    b'"Chromium OS"': "Chrome OS",
    b'"Linux"': "Linux",
    b'"Windows"': "Windows",
    b'"iOS"': "iOS",
    b'"macOS"': "Mac OS X",
}
_MOBILE = {b"?1": True, b"?0": False}

_NOT_LINUX = frozenset({"Windows", "Mac OS X", "Android", "iOS", "Chrome OS"})
_DESKTOPS = frozenset({"Windows", "Mac OS X", "Chrome OS", "Linux", "FreeBSD", "OpenBSD", "NetBSD"})
_DISTRIBUTIONS = frozenset(
    {"Ubuntu", "Debian", "Fedora", "Red Hat", "CentOS", "SUSE", "Gentoo", "Arch Linux"}
    | {"Linux Mint", "Mint", "Kubuntu", "Mageia", "Slackware", "Solaris"}
)
_BIG_SCREEN = re.compile(
    r"\bTV\b|SMART-?TV|SmartTV|HbbTV|AppleTV|GoogleTV|BRAVIA|CrKey|\bAFT[A-Z]|Web0S"
    r"|Xbox|PlayStation|Nintendo"
).search
_TABLET = re.compile(r"iPad|Tablet(?! PC)|PlayBook|Kindle|Silk(?!.*Mobile)", re.IGNORECASE).search
_PHONE = re.compile(r"Mobi|iPhone|iPod|Opera Mini|Windows Phone", re.IGNORECASE).search
_BIG_SCREEN_WORDS = ("TV", "BRAVIA", "CrKey", "AFT", "Web0S", "Xbox", "PlayStation", "Nintendo")
"""One of these is in all that the pattern finds, and looking for them takes a tenth of the time."""
_TABLET_WORDS = ("ipad", "tablet", "playbook", "kindle", "silk")
_PHONE_WORDS = ("mobi", "iphone", "ipod", "opera mini", "windows phone")
_SPIDER = "Spider"


class Device(StrEnum):
    """Kinds of devices."""

    DESKTOP = "desktop"
    MOBILE = "mobile"
    TABLET = "tablet"
    BOT = "bot"
    OTHER = "other"


class Agent(NamedTuple):
    """What is known of a browser; names are ua-parser's families, versions the major ones."""

    browser: str | None
    browser_version: str | None
    os: str | None
    os_version: str | None
    device: Device
    bot: bool


_Brand = tuple[str, str | None]
_Named = tuple[str | None, str | None]
"""A family and its major version."""


class Agents:
    """Reads the headers, and remembers what it read: 0.6 µs instead of some 20.

    What is remembered is bounded in number and, since long headers are cut, in bytes: a million
    different user agents take no more memory than ten thousand.
    """

    def __init__(self, bots: Bots, remembered: int = _REMEMBERED) -> None:
        self._bots = bots
        self._all = _all_patterns()
        self._spiders = _spider_patterns()
        self._brand_of = Remembered(_brand, _REMEMBERED_BRANDS)
        self._look = Remembered(self._look_up, remembered)

    def read(self, headers: Mapping[bytes, bytes]) -> Agent:
        """Return what the headers say."""
        user_agent = headers.get(b"user-agent", b"")
        brands = headers.get(b"sec-ch-ua", b"")
        mobile = headers.get(b"sec-ch-ua-mobile", b"")
        platform = headers.get(b"sec-ch-ua-platform", b"")
        read: Agent = self._look.get(
            (
                user_agent[:_LONGEST],
                brands[:_LONGEST],
                mobile[:_LONGEST_NAME],
                platform[:_LONGEST_NAME],
            )
        )
        return read

    def _look_up(self, given: tuple[bytes, bytes, bytes, bytes]) -> Agent:
        user_agent, brands, mobile, platform = given
        text = user_agent.decode("utf-8", "replace")
        brand = self._brand_of.get(brands.decode("latin-1")) if brands else None
        bot = self._is_bot(text, brand)
        on_phone = _MOBILE.get(mobile.strip())
        browser, version = _browser(self._all.ua.extract(text), brand, on_phone)
        system, system_version = _system(
            self._all.os.extract(text), _PLATFORMS.get(platform.strip())
        )
        device = Device.BOT if bot else _device(text, system, on_phone)
        return Agent(browser, version, system, system_version, device, bot)

    def _is_bot(self, text: str, brand: _Brand | None) -> bool:
        """Whether our list or ua-parser's says so, of the user agent or of the brand."""
        if self._bots.is_bot(text) or self._is_spider(text):
            return True
        return brand is not None and self._bots.is_bot(brand[0])

    def _is_spider(self, text: str) -> bool:
        """Whether ua-parser takes it for one.

        Of its 600 patterns for devices the first that matches counts; they are gone through only
        where one of the seven for spiders matches at all.
        """
        if self._spiders.de.extract(text) is None:
            return False
        device = self._all.de.extract(text)
        return device is not None and device.family == _SPIDER


@cache
def _all_patterns() -> Resolver:
    """ua-parser's, which keeps nothing of what it reads: a quarter of a second to make, once.

    Its extractors are asked by themselves: what puts their findings together takes 4 µs.
    """
    return Resolver(load_lazy_builtins())


@cache
def _spider_patterns() -> Resolver:
    _agents, _systems, devices = load_lazy_builtins()
    spiders = [each for each in devices if getattr(each, "family", None) == _SPIDER]
    return Resolver(([], [], spiders))


def _brand(value: str) -> _Brand | None:
    """Return the browser among the brands: not a made-up one, and the engine only when alone."""
    brands = {name: major for name, major in _brands(value).items() if not _GREASE(name)}
    for known in _FAMILIES:
        if known in brands:
            return known, brands[known]
    others = [brand for brand in brands.items() if brand[0] != _ENGINE]
    return next(iter(others or brands.items()), None)


def _brands(value: str) -> dict[str, str | None]:
    """Read `"Chromium";v="126", "Google Chrome";v="126"`; empty when it is malformed."""
    brands: dict[str, str | None] = {}
    position = 0
    while match := _BRAND(value, position):
        major = _MAJOR(match[2])
        # Cut here, before anything is looked for in it: what a sender made long costs no more.
        brands[match[1].strip()[:_LONGEST_NAME]] = major[1] if major else None
        if not match[3]:
            brands.pop("", None)
            return brands
        position = match.end()
    return {}


def _browser(parsed: Any, brand: _Brand | None, mobile: bool | None) -> _Named:
    """The brand beats the user agent, except that an app's name beats the view that it shows."""
    own = _named(parsed)
    if brand is None:
        return own
    name, major = brand
    families = _FAMILIES.get(name, (name, name))
    if families[0] == _WEBVIEW and own[0] is not None and not own[0].startswith("Chrome"):
        return own
    if mobile:
        return families[1], major
    return (own[0] if own[0] in families else families[0]), major


def _system(parsed: Any, platform: str | None) -> _Named:
    """The platform beats the user agent, which alone knows the version and Linux's distribution."""
    own = _named(parsed)
    linux = platform == "Linux" and own[0] is not None and own[0] not in _NOT_LINUX
    return own if platform in (None, own[0]) or linux else (platform, None)


def _named(found: Any) -> _Named:
    """Of what one of ua-parser's extractors found, or None."""
    if found is None or found.family == "Other":
        return None, None
    return found.family[:_LONGEST_NAME], (found.major or "")[:_LONGEST_NAME] or None


def _device(text: str, system: str | None, mobile: bool | None) -> Device:
    if is_big_screen(text):
        return Device.OTHER
    if is_tablet(text):
        return Device.TABLET
    if mobile or is_phone(text):
        return Device.MOBILE
    if system == "Android":
        return Device.TABLET  # Android without `Mobile`, as its makers ask for
    if system == "iOS":
        return Device.MOBILE
    known = system in _DESKTOPS or system in _DISTRIBUTIONS
    return Device.DESKTOP if known else Device.OTHER


def is_big_screen(text: str) -> bool:
    """Whether a user agent names a television or a games console."""
    return _any_of(_BIG_SCREEN_WORDS, text) and _BIG_SCREEN(text) is not None


def is_tablet(text: str) -> bool:
    """Whether a user agent says itself that it is a tablet."""
    return _may_hold(_TABLET_WORDS, text) and _TABLET(text) is not None


def is_phone(text: str) -> bool:
    """Whether a user agent says itself that it is a phone."""
    return _may_hold(_PHONE_WORDS, text) and _PHONE(text) is not None


def _may_hold(words: tuple[str, ...], text: str) -> bool:
    """Whether any of the words, in lower case, may be there, whatever the case of the text."""
    # Beyond ASCII more letters are the same without their case than `lower` makes so.
    return not text.isascii() or _any_of(words, text.lower())


def _any_of(words: tuple[str, ...], text: str) -> bool:
    for word in words:  # noqa: SIM110 (a generator costs more than the looking)
        if word in text:
            return True
    return False
