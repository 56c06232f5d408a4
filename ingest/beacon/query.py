"""The query string of a pixel or a badge: what it gives, by the fields' long names."""

from collections.abc import Mapping
from typing import NamedTuple

from ingest.beacon.percent import decode


class Given(NamedTuple):
    """What a ping gives, before it is checked."""

    values: Mapping[str, object]
    """By the fields' long names; what is empty or null is absent."""
    unknown: int
    """Fields that we do not know, dropped."""


def read_query(query: bytes, names: Mapping[str, str]) -> Given:
    """Read `a=1&b=2`, where `names` maps short names to long ones.

    Of a repeated parameter the first counts; an empty one is absent.
    """
    values: dict[str, object] = {}
    seen: set[str] = set()
    unknown = 0
    for pair in query.decode("latin-1").split("&"):
        short, _, text = pair.partition("=")
        name = names.get(short) or names.get(decode(short))
        if name is None:
            unknown += short != ""
        elif name not in seen:
            seen.add(name)
            if text:
                values[name] = decode(text)
    return Given(values, unknown)
