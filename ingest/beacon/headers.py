"""The request headers that are kept."""

from collections.abc import Mapping, Sequence

from ingest.beacon.sanitise import without_controls

VALUE_LIMIT = 512
"""Characters of a header's value at most."""


class AllowedHeaders:
    """Picks the headers on the operator's list; every other one is never looked at."""

    def __init__(self, names: Sequence[str]) -> None:
        """Names in lower case."""
        self._names = tuple((name.encode(), name) for name in names)

    def pick(self, headers: Mapping[bytes, bytes]) -> dict[str, str]:
        """Return names and values, cleaned and cut; empty ones are absent."""
        picked: dict[str, str] = {}
        for raw_name, name in self._names:
            raw = headers.get(raw_name)
            if raw:
                value = _text(raw)
                if value:
                    picked[name] = value
        return picked


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return without_controls(text).strip()[:VALUE_LIMIT]
