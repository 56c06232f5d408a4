"""Names of sites and of events."""

import re

SITE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
NAME_PATTERN = r"[a-z][a-z0-9_]{0,39}"
PAGEVIEW = "pageview"
_SITE = re.compile(SITE_PATTERN)
_NAME = re.compile(NAME_PATTERN)


def site_name(value: object) -> str | None:
    """Return a site's name in lower case, or None when it is none."""
    if isinstance(value, str) and _SITE.fullmatch(value):
        return value.lower()
    return None


def event_name(value: object) -> str | None:
    """Return an event's name, `pageview` when none is given, or None when it is bad."""
    if value is None:
        return PAGEVIEW
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    return None
