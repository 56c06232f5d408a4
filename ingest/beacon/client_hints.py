"""Client hints: what browsers say of themselves beside their frozen user agents.

User-Agent Client Hints (WICG), as structured headers (RFC 8941).
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_BRAND = re.compile(r'"((?:[^"\\]|\\.){0,64})"[ \t]*;[ \t]*v="([0-9]{0,6})[^"]{0,32}"')
_GREASE = re.compile(r"not.*brand", re.IGNORECASE)
_ENGINE = "Chromium"
_FAMILIES = {
    "Google Chrome": "Chrome",
    "Microsoft Edge": "Edge",
    "Opera": "Opera",
    "Brave": "Brave",
    "Vivaldi": "Vivaldi",
    "YaBrowser": "Yandex Browser",
    "Yandex": "Yandex Browser",
    "Samsung Internet": "Samsung Internet",
    "Android WebView": "Chrome Mobile WebView",
    "Chromium": "Chromium",
}
_MOBILE = {"Chrome": "Chrome Mobile", "Edge": "Edge Mobile", "Opera": "Opera Mobile"}
_PLATFORMS = {
    "Windows": "Windows",
    "macOS": "Mac OS X",
    "Android": "Android",
    "Linux": "Linux",
    "Chrome OS": "Chrome OS",
    "Chromium OS": "Chrome OS",
    "iOS": "iOS",
}
_LONGEST = 1_024


class Hints(NamedTuple):
    """What the hints say; None where they say nothing."""

    browser: str | None
    """ua-parser's name of the family."""
    version: str | None
    """Major version."""
    os: str | None
    mobile: bool | None


def read_hints(headers: Mapping[bytes, bytes]) -> Hints:
    """Read `Sec-CH-UA`, `-Mobile` and `-Platform`; what is malformed says nothing."""
    mobile = {b"?1": True, b"?0": False}.get(headers.get(b"sec-ch-ua-mobile", b"").strip())
    platform = _text(headers, b"sec-ch-ua-platform").strip().strip('"')
    browser, version = _brand(_text(headers, b"sec-ch-ua"))
    if mobile and browser in _MOBILE:
        browser = _MOBILE[browser]
    return Hints(browser, version, _PLATFORMS.get(platform), mobile)


def _brand(value: str) -> tuple[str | None, str | None]:
    """The browser among the brands: not the made-up one, and the engine only when alone."""
    brands = [pair for pair in _BRAND.findall(value) if not _GREASE.search(pair[0])]
    named = [pair for pair in brands if pair[0] != _ENGINE] or brands
    for brand, version in named:
        if brand in _FAMILIES:
            return _FAMILIES[brand], version or None
    return None, None


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"")[:_LONGEST].decode("latin-1")
