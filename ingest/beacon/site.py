"""Names of sites and of events."""

import re
from functools import lru_cache

SITE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
SITE_RULE = "a letter or digit, then up to 63 of A-Z a-z 0-9 . _ -"
"""The same in words."""
NAME_PATTERN = r"[a-z][a-z0-9_]{0,39}"
PAGEVIEW = "pageview"
SITE_LIMIT = 64
"""Characters of a site's name at most, all of them ASCII."""
_LONGEST = SITE_LIMIT  # as a C integer
_SITE = re.compile(SITE_PATTERN)
_NAME = re.compile(NAME_PATTERN)


def site_name(value: object) -> str | None:
    """Return a site's name in lower case, or None when it is none."""
    return _site(value) if isinstance(value, str) and len(value) <= _LONGEST else None


@lru_cache(10_000)
def _site(text: str) -> str | None:
    return text.lower() if _SITE.fullmatch(text) else None


def event_name(value: object) -> str | None:
    """Return an event's name, `pageview` when none is given, or None when it is bad."""
    if value is None:
        return PAGEVIEW
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    return None
