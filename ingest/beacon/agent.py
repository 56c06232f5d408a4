"""Browser, operating system and device, from the user agent and the client hints."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from ua_parser import Parser, Result
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

from ingest.beacon.bots import Bots
from ingest.beacon.client_hints import Hints, read_hints

_NAMES = (b"user-agent", b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform")
_LONGEST = 1_024
"""Bytes of a user agent that are looked at."""
_REMEMBERED = 10_000
_OTHER = "Other"
_DESKTOPS = ("Windows", "Mac OS X", "Linux", "Ubuntu", "Fedora", "Debian", "Chrome OS", "FreeBSD",
             "OpenBSD", "NetBSD", "Arch Linux", "Mint", "Solaris")  # fmt: skip


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


class Agents:
    """Reads the headers, and remembers what it read: 0.5 µs instead of some 30.

    Two generations of bounded size: a million different user agents take no more memory than ten
    thousand, and those that come again stay.
    """

    def __init__(self, bots: Bots, remembered: int = _REMEMBERED) -> None:
        self._bots = bots
        self._parser = Parser(Resolver(load_builtins()))
        self._remembered = remembered
        self._young: dict[tuple[bytes | None, ...], Agent] = {}
        self._old: dict[tuple[bytes | None, ...], Agent] = {}

    def read(self, headers: Mapping[bytes, bytes]) -> Agent:
        """Return what the headers say."""
        get = headers.get
        key = (get(_NAMES[0]), get(_NAMES[1]), get(_NAMES[2]), get(_NAMES[3]))
        agent = self._young.get(key)
        if agent is None:
            agent = self._old.get(key) or self._look(headers)
            self._remember(key, agent)
        return agent

    def _remember(self, key: tuple[bytes | None, ...], agent: Agent) -> None:
        if sum(map(len, filter(None, key))) > 2 * _LONGEST:
            return  # hostile: not worth the room
        if len(self._young) >= self._remembered:
            self._old, self._young = self._young, {}
        self._young[key] = agent

    def _look(self, headers: Mapping[bytes, bytes]) -> Agent:
        text = headers.get(b"user-agent", b"")[:_LONGEST].decode("utf-8", "replace")
        parsed = self._parser.parse(text)
        hints = read_hints(headers)
        bot = self._bots.is_bot(text)
        browser, version = _browser(parsed, hints)
        system, system_version = _os(parsed, hints)
        device = Device.BOT if bot else _device(text, parsed, hints, system)
        return Agent(browser, version, system, system_version, device, bot)


def _browser(parsed: Result, hints: Hints) -> tuple[str | None, str | None]:
    if hints.browser is not None:
        return hints.browser, hints.version
    found = parsed.user_agent
    if found is None or found.family == _OTHER:
        return None, None
    return found.family, found.major or None


def _os(parsed: Result, hints: Hints) -> tuple[str | None, str | None]:
    found = parsed.os
    if found is None or found.family == _OTHER:
        return hints.os, None
    if hints.os is not None and hints.os != found.family:
        return hints.os, None
    return found.family, found.major or None


def _device(text: str, parsed: Result, hints: Hints, system: str | None) -> Device:
    model = parsed.device
    if (
        "iPad" in text
        or "Tablet" in text
        or (model is not None and "Tablet" in (model.brand or ""))
    ):
        return Device.TABLET
    if hints.mobile:
        return Device.MOBILE
    if system == "Android":
        return Device.MOBILE if "Mobile" in text else Device.TABLET
    if system == "iOS" or "Mobile" in text:
        return Device.MOBILE
    return Device.DESKTOP if system in _DESKTOPS else Device.OTHER
