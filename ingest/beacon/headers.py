"""The request headers that are kept."""

from collections.abc import Mapping, Sequence

import orjson

from ingest.beacon.event_text import EventText
from ingest.beacon.hit import RequestHead
from ingest.beacon.known import UNKNOWN, number_of
from ingest.beacon.sanitise import without_controls

VALUE_LIMIT = 512
"""Characters of a header's value at most."""
_LIMIT = VALUE_LIMIT  # as a C integer
_SPACE, _TILDE = b" ~"


class AllowedHeaders:
    """Picks the headers on the operator's list; every other one is never looked at."""

    def __init__(self, names: Sequence[str]) -> None:
        """Names in lower case; one that is repeated counts once."""
        names = tuple(dict.fromkeys(names))
        self._names = names
        self._raw_names = tuple(name.encode() for name in names)
        self._numbers = tuple(number_of(name) for name in self._raw_names)
        keys = [orjson.dumps(name) for name in names]
        self._first = tuple(b',"headers":{%b:' % key for key in keys)
        self._next = tuple(b",%b:" % key for key in keys)

    def pick(self, headers: Mapping[bytes, bytes]) -> Mapping[str, str]:
        """Return names and values, cleaned and cut; empty ones are absent."""
        texts = [_text(headers.get(name, b"")) for name in self._raw_names]
        return {name: text for name, text in zip(self._names, texts, strict=True) if text}

    def put(self, head: RequestHead, text: EventText) -> None:
        """Write an event's field with what `pick` returns, a comma before it; without any, nothing.

        To remember them would take longer: most are of some combination that none had lately.
        """
        begun = False
        for at, number in enumerate(self._numbers):
            value = self._by_name(head, at) if number == UNKNOWN else head.value(number)
            if value is None:
                continue
            cleaned = None if is_clean(value) else _text(value)
            if cleaned == "":
                continue
            text.put(self._next[at] if begun else self._first[at])
            begun = True
            if cleaned is None:
                text.put_printable(value)
            else:
                text.put_text(cleaned)
        if begun:
            text.put(b"}")

    def _by_name(self, head: RequestHead, at: int) -> bytes | None:
        return head.all().get(self._raw_names[at])


def is_clean(value: bytes) -> bool:
    """Whether a value is certain to be kept as it is, as most are: printable ASCII."""
    size = len(value)
    if not 0 < size <= _LIMIT or value[0] == _SPACE or value[size - 1] == _SPACE:
        return False
    for byte in value:  # noqa: SIM110 (a loop over bytes is C, a generator is not)
        if byte < _SPACE or byte > _TILDE:
            return False
    return True


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return without_controls(text).strip()[:VALUE_LIMIT]
