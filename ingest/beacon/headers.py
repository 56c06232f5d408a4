"""The request headers that are kept."""

from collections.abc import Mapping, Sequence

import orjson

from ingest.beacon.event_text import EventText
from ingest.beacon.hit import RequestHead
from ingest.beacon.known import UNKNOWN, number_of
from ingest.beacon.sanitise import without_controls
from ingest.beacon.scan import printable

VALUE_LIMIT = 512
"""Characters of a header's value at most."""
_LIMIT = VALUE_LIMIT  # as a C integer
(_SPACE,) = b" "


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
            if number == UNKNOWN:
                cleaned = _text(head.all().get(self._raw_names[at], b""))
            else:
                begin, end = head.begins[number], head.ends[number]
                if begin == end:
                    continue
                if is_clean(head.text, begin, end):
                    text.put(self._next[at] if begun else self._first[at])
                    text.put_printable(head.text, begin, end)
                    begun = True
                    continue
                cleaned = _text(head.value(number) or b"")
            if cleaned:
                text.put(self._next[at] if begun else self._first[at])
                text.put_text(cleaned)
                begun = True
        if begun:
            text.put(b"}")


def is_clean(text: bytes, begin: int, end: int) -> bool:
    """Whether `text[begin:end]` is certain to be kept as it is, as most are: printable ASCII."""
    if not 0 < end - begin <= _LIMIT or text[begin] == _SPACE or text[end - 1] == _SPACE:
        return False
    return printable(text, begin, end)


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return without_controls(text).strip()[:VALUE_LIMIT]
