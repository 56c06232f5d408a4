"""The request headers that are kept."""

from collections.abc import Mapping, Sequence

from ingest.beacon.remembered import Remembered
from ingest.beacon.sanitise import without_controls

_REMEMBERED = 5_000
_SHORT = 512
"""Bytes of one visitor's values that are remembered at most: 2.5 MB of all."""
VALUE_LIMIT = 512
"""Characters of a header's value at most."""


class AllowedHeaders:
    """Picks the headers on the operator's list; every other one is never looked at."""

    def __init__(self, names: Sequence[str]) -> None:
        """Names in lower case."""
        self._names = tuple(names)
        self.raw_names = tuple(name.encode() for name in names)
        self._remembered = Remembered(self._picked, _REMEMBERED)

    def pick(self, headers: Mapping[bytes, bytes]) -> Mapping[str, str]:
        """Return names and values, cleaned and cut; empty ones are absent.

        Many visitors have the same ones: the answer is remembered, and is not to be changed.
        """
        size = 0
        values = []
        for name in self.raw_names:
            value = headers.get(name, b"")
            values.append(value)
            size += len(value)
        given = tuple(values)
        return self._remembered.get(given) if size <= _SHORT else self._picked(given)

    def _picked(self, given: tuple[bytes, ...]) -> Mapping[str, str]:
        texts = map(_text, given)
        return {name: text for name, text in zip(self._names, texts, strict=True) if text}


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return without_controls(text).strip()[:VALUE_LIMIT]
