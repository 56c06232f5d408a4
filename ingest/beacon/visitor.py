"""The visitor's number: the same person on the same site on the same day, and no more than that."""

from hashlib import blake2b

from ingest.beacon.day_key import DayKey
from ingest.beacon.event_text import EventText
from ingest.beacon.hit import RequestHead
from ingest.beacon.known import COOKIE
from ingest.beacon.scan import holds

UID_COOKIE = "uid"
_UID = b"uid="
_NUMBER_BYTES = 4
_DIGITS = frozenset(b"0123456789abcdef")
_LONGEST = 1_024
"""Bytes of a header that are looked at."""


class VisitorNumber:
    """32 bits of keyed BLAKE2b (RFC 7693) over site, network, user agent and language."""

    def __init__(self, key: DayKey) -> None:
        self._key = key
        self._at = -1
        self._keyed_with = b""
        self._keyed = blake2b()
        self._text = EventText()

    def number(
        self, now: int, site: bytes, network: str, user_agent: bytes, accept_language: bytes
    ) -> int:
        """Return 0…2³²−1. `now` is in epoch milliseconds and picks the key of its UTC day."""
        agent, language = _beginning(user_agent), _beginning(accept_language)
        text, place = self._text, network.encode()
        text.begin()
        # Lengths first: no two different visits give the same bytes.
        for size in (len(site), len(place), len(agent)):
            text.put_number(size)
            text.put(b" ")
        text.put(site)
        text.put(place)
        text.put(agent)
        text.put(language)
        hashed = self._of_day(now).copy()
        hashed.update(text.take())
        number = 0
        digest = hashed.digest()
        for byte in digest:
            number = number << 8 | byte
        return number

    def turn_key(self, now: int) -> None:
        """Destroy the key of a day that is past though no ping comes: the promise is a day."""
        self._of_day(now)

    def _of_day(self, now: int) -> "blake2b":
        """The hash of the day's key and nothing more; a past day's goes with its key."""
        if now == self._at:
            return self._keyed
        key = self._key.key(now)
        if key is not self._keyed_with:
            self._keyed_with, self._keyed = key, blake2b(key=key, digest_size=_NUMBER_BYTES)
        self._at = now  # not before: without its key nothing may be hashed
        return self._keyed


def _beginning(header: bytes) -> bytes:
    return header if len(header) <= _LONGEST else header[:_LONGEST]


def uid_cookie(head: RequestHead) -> int | None:
    """The number that a `uid` cookie keeps, or None."""
    cookies = head.value(COOKIE)
    if cookies is None or not holds(cookies, _UID):
        return None
    for pair in cookies.split(b";"):
        name, _, value = pair.strip(b" \t").partition(b"=")
        if name == b"uid" and len(value) == 8 and _DIGITS.issuperset(value):
            return int(value, 16)
    return None


def uid_value(number: int) -> str:
    """What the `uid` cookie holds: eight hexadecimal digits."""
    return f"{number:08x}"
