"""What is counted of an event."""

from sys import intern
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import astuple

from ingest.stats.times import Clock

PAGEVIEW = "pageview"
LEAVE = "leave"
_VALUE_LIMIT = 300
"""Characters of a page at most: beyond, pages count as one by their beginning."""
_SOURCES_KEPT = 8_192
"""Referrers whose hosts are remembered."""


class Event:
    """One is made for each event, by its reader alone. Absent is ""."""

    __slots__ = (
        "bot", "browser", "country", "device", "engaged_seconds", "id", "name", "os", "page",
        "received", "referrer", "site", "time", "visitor",
    )  # fmt: skip
    site: str
    name: str
    id: str
    time: int
    """When it happened, in epoch milliseconds."""
    received: int
    visitor: int
    """-1 when unknown."""
    bot: bool
    page: str
    """Host and path, without query: one site may span hosts, seldom schemes."""
    referrer: str
    """Host without `www.`, and only another one than the page's."""
    country: str
    browser: str
    os: str
    device: str
    engaged_seconds: float


class _Fields(Struct, gc=False):
    """What is read of an event's JSON; all else is passed over without being made."""

    v: int
    id: str
    time: str
    received: str
    site: str
    name: str
    bot: bool
    device: str
    url: str = ""
    referrer: str = ""
    visitor: int = -1
    country: str = ""
    browser: str = ""
    os: str = ""
    engaged_seconds: float = 0.0


class BadEvent(ValueError):
    """No event of version 1."""


class EventReader:
    """Reads events' bytes. Remembers the times and referrers it read last: they come again."""

    def __init__(self) -> None:
        self._decode = Decoder(_Fields).decode
        self._clock = Clock()
        self._sources: dict[str, str] = {}

    def read(self, value: bytes) -> Event:
        """Raises `BadEvent`."""
        try:
            return self._event(astuple(self._decode(value)))
        except ValueError as error:  # what msgspec raises, too
            raise BadEvent(f"no event: {type(error).__name__}") from None

    def _event(self, fields: tuple[Any, ...]) -> Event:
        # Taken as a tuple: compiled, a look at each of a Struct's attributes costs as much.
        (
            version, event_id, time, received, site, name, bot, device, url, referrer, visitor,
            country, browser, system, engaged_seconds,
        ) = fields  # fmt: skip
        if version != 1:
            raise BadEvent("of another version")
        event = Event()
        event.time = self._clock.milliseconds(time)
        event.received = event.time if received == time else self._clock.milliseconds(received)
        page, source = _page(url), self._source(referrer)
        if source and _is_host_of(source, page):
            source = ""
        event.page, event.referrer = intern(page), source
        event.site, event.name, event.id = site, intern(name), event_id
        event.visitor, event.bot = visitor, bot
        event.country, event.browser = intern(country), intern(browser)
        event.os, event.device = intern(system), intern(device)
        event.engaged_seconds = engaged_seconds
        return event

    def _source(self, referrer: str) -> str:
        source = self._sources.get(referrer)
        if source is None:
            if len(self._sources) >= _SOURCES_KEPT:
                self._sources.clear()
            source = self._sources[referrer] = intern(_host(referrer))
        return source


def _page(url: str) -> str:
    """Host and path."""
    begin = _behind_scheme(url)
    end = url.find("?", begin)
    if end < 0 or end > begin + _VALUE_LIMIT:
        end = begin + _VALUE_LIMIT
    return url[begin:end]


def _is_host_of(source: str, page: str) -> bool:
    """Whether a referrer's host is the page's."""
    begin = 4 if page.startswith("www.") else 0
    end = begin + len(source)
    return page.startswith(source, begin) and (end == len(page) or page[end] == "/")


def _host(referrer: str) -> str:
    host = _until(_until(referrer[_behind_scheme(referrer) :], "/"), "?")
    return host.removeprefix("www.")[:_VALUE_LIMIT]


def _behind_scheme(address: str) -> int:
    """Where the host begins; without a scheme the end."""
    begin = address.find("://")
    return begin + 3 if begin >= 0 else len(address)


def _until(text: str, end: str) -> str:
    stop = text.find(end)
    return text[:stop] if stop >= 0 else text
