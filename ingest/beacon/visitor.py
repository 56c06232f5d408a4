"""The visitor's number: the same person on the same site on the same day, and no more than that."""

from collections.abc import Mapping
from hashlib import blake2b

from ingest.beacon.day_key import DayKey

UID_COOKIE = "uid"
_UID = b"uid="
_DIGITS = frozenset(b"0123456789abcdef")
_LONGEST = 1_024
"""Bytes of a header that are looked at."""


class VisitorNumber:
    """32 bits of keyed BLAKE2b (RFC 7693) over site, network, user agent and language."""

    def __init__(self, key: DayKey) -> None:
        self._key = key

    def number(
        self, now: int, site: bytes, network: str, user_agent: bytes, accept_language: bytes
    ) -> int:
        """Return 0…2³²−1. `now` is in epoch milliseconds and picks the key of its UTC day."""
        agent, language = user_agent[:_LONGEST], accept_language[:_LONGEST]
        # Lengths first: no two different visits give the same bytes.
        text = b"%d %d %d %b%b%b%b" % (
            len(site), len(network), len(agent), site, network.encode(), agent, language,
        )  # fmt: skip
        return int.from_bytes(blake2b(text, key=self._key.key(now), digest_size=4).digest())

    def turn_key(self, now: int) -> None:
        """Destroy the key of a day that is past though no ping comes: the promise is a day."""
        self._key.key(now)


def uid_cookie(headers: Mapping[bytes, bytes]) -> int | None:
    """The number that a `uid` cookie keeps, or None."""
    cookies = headers.get(b"cookie")
    if cookies is None or _UID not in cookies:
        return None
    for pair in cookies.split(b";"):
        name, _, value = pair.strip(b" \t").partition(b"=")
        if name == b"uid" and len(value) == 8 and _DIGITS.issuperset(value):
            return int(value, 16)
    return None


def uid_value(number: int) -> str:
    """What the `uid` cookie holds: eight hexadecimal digits."""
    return f"{number:08x}"
