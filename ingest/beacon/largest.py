"""How large an event may get: Kafka must take one of that size."""

from collections.abc import Sequence

from ingest.beacon.fields import MAX_PROPS, PROP_NAME_LIMIT, PROP_VALUE_LIMIT, TITLE_LIMIT
from ingest.beacon.headers import VALUE_LIMIT
from ingest.beacon.site import SITE_LIMIT
from ingest.beacon.url import URL_LIMIT

_UTF8 = 4
"""Bytes of a character at most; what JSON writes as two is one byte before."""
_PAIR = 6
"""Bytes of quotes, colon and comma around a name and a text."""
_TEXT = 2 * URL_LIMIT + TITLE_LIMIT + MAX_PROPS * (PROP_NAME_LIMIT + PROP_VALUE_LIMIT)
"""Characters that a sender chooses."""
_REST = 3_072
"""Bytes of everything else: names of fields, numbers, place and browser."""


def largest_record(headers: Sequence[str]) -> int:
    """Bytes of an event and its key at most, where these request headers are kept."""
    kept = sum(len(name) + _UTF8 * VALUE_LIMIT + _PAIR for name in headers)
    return _UTF8 * _TEXT + MAX_PROPS * _PAIR + kept + _REST + SITE_LIMIT
