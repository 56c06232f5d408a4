"""What many events say alike, as their text says it: what was written once is remembered."""

from collections.abc import Callable, Mapping
from typing import Any

from ingest.beacon.event_text import EventText
from ingest.beacon.geo import Place

_REMEMBERED = 5_000
_LONGEST = 1_024
"""Bytes of a text that is remembered at most."""


class Written:
    """Texts of things that others keep and nobody changes, by the thing itself.

    To look a thing up by what it holds would take longer than to write some of them.
    """

    __slots__ = ("_make", "_most", "_texts")

    def __init__(self, make: Callable[[Any], Any], most: int = _REMEMBERED) -> None:
        """`make` writes a thing's text; with more than `most` of them all are forgotten."""
        self._make = make
        self._most = most
        self._texts: dict[int, tuple[object, Any]] = {}

    def of(self, thing: object) -> Any:
        """Return a thing's text."""
        known = self._texts.get(id(thing))
        if known is not None and known[0] is thing:
            return known[1]
        text = self._make(thing)
        if len(text) <= _LONGEST:
            if len(self._texts) >= self._most:
                self._texts = {}
            self._texts[id(thing)] = thing, text  # kept, so that no other thing has its number
        return text


def place(found: Place) -> bytes:
    """Write country, region and city."""
    return fields_text({"country": found.country, "region": found.region, "city": found.city})


def fields_text(fields: Mapping[str, object]) -> bytes:
    """Write an event's fields, each with a comma before it; what is None is absent."""
    text = EventText()
    for name, value in fields.items():
        if value is not None:
            text.put(b",")
            text.put_text(name)
            text.put(b":")
            text.put_value(value)
    return text.take()
