"""The visitor's number: the same person on the same site on the same day, and no more than that."""

from ingest.beacon.blake2b import KeyedHash
from ingest.beacon.day_key import DayKey
from ingest.beacon.hit import RequestHead
from ingest.beacon.known import ACCEPT_LANGUAGE, COOKIE, USER_AGENT
from ingest.beacon.scan import holds

UID_COOKIE = "uid"
_UID = b"uid="
_DIGITS = frozenset(b"0123456789abcdef")
_LONGEST = 1_024
"""Bytes of a header that are looked at."""


class VisitorNumber:
    """32 bits of keyed BLAKE2b (RFC 7693) over site, network, user agent and language."""

    def __init__(self, key: DayKey) -> None:
        self._key = key
        self._at = -1
        self._keyed_with = b""
        self._keyed = KeyedHash()

    def number(self, now: int, site: bytes, network: str, head: RequestHead) -> int:
        """Return 0…2³²−1. `now` is in epoch milliseconds and picks the key of its UTC day."""
        hashed, place = self._of_day(now), network.encode()
        text = head.text
        agent, language = head.begins[USER_AGENT], head.begins[ACCEPT_LANGUAGE]
        agent_end = min(head.ends[USER_AGENT], agent + _LONGEST)
        language_end = min(head.ends[ACCEPT_LANGUAGE], language + _LONGEST)
        hashed.begin()
        # Lengths first: no two different visits give the same bytes.
        hashed.put_size(len(site))
        hashed.put_size(len(place))
        hashed.put_size(agent_end - agent)
        hashed.put(site, 0, len(site))
        hashed.put(place, 0, len(place))
        hashed.put(text, agent, agent_end)
        hashed.put(text, language, language_end)
        return hashed.number()

    def turn_key(self, now: int) -> None:
        """Destroy the key of a day that is past though no ping comes: the promise is a day."""
        self._of_day(now)

    def _of_day(self, now: int) -> KeyedHash:
        """The hash with the day's key; what came of a past day's is overwritten."""
        if now == self._at:
            return self._keyed
        key = self._key.key(now)
        if key is not self._keyed_with:
            self._keyed.turn(key)
            self._keyed_with = key
        self._at = now  # not before: without its key nothing may be hashed
        return self._keyed


def uid_cookie(head: RequestHead) -> int | None:
    """The number that a `uid` cookie keeps, or None."""
    if not holds(head.text, head.begins[COOKIE], head.ends[COOKIE], _UID):
        return None
    for pair in (head.value(COOKIE) or b"").split(b";"):
        name, _, value = pair.strip(b" \t").partition(b"=")
        if name == b"uid" and len(value) == 8 and _DIGITS.issuperset(value):
            return int(value, 16)
    return None


def uid_value(number: int) -> str:
    """What the `uid` cookie holds: eight hexadecimal digits."""
    return f"{number:08x}"
