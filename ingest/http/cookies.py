"""The cookies that this server sets: a preference, and where configured a random number."""

from collections.abc import Mapping
from typing import NamedTuple

from ingest.beacon.consent import OPTOUT_COOKIE
from ingest.beacon.cookie import count
from ingest.beacon.hit import RequestHead
from ingest.beacon.known import COOKIE
from ingest.beacon.visitor import UID_COOKIE, uid_cookie, uid_value
from ingest.http.reply import Header

HERE_COOKIE = "optout_here"
"""Beside a site's own opt-out cookie: says that it is that, for both have the same name."""
_HERE = f"{HERE_COOKIE}=1".encode()
_OPTED_OUT = f"{OPTOUT_COOKIE}=1".encode()
_EVERYWHERE, _AT_SITE, _NUMBERED, _SECURE, _EVERY = 1, 2, 4, 8, 16
"""Bits of what an answer to who opted out depends on, and how many such answers there are."""
READ_COOKIE = "read."
"""First part of the name of a reader's cookie; the rest is a private site's name."""
READ_MAX_AGE = 2_592_000
"""Seconds: 30 days."""
MAX_AGE = 34_560_000
"""Seconds: 400 days, the most that browsers keep (RFC 6265bis, 5.5)."""


def opt_out(secure: bool) -> Header:
    """Set the opt-out cookie for every site."""
    return _cookie(f"{OPTOUT_COOKIE}=1", MAX_AGE, secure)


def opt_in(secure: bool) -> Header:
    """Take the opt-out cookie away."""
    return _cookie(f"{OPTOUT_COOKIE}=", 0, secure)


def opt_out_here(secure: bool) -> tuple[Header, Header]:
    """Set the opt-out cookie for the asking site only (CHIPS), and one that tells it apart."""
    return _here("1", MAX_AGE, secure)


def opt_in_here(secure: bool) -> tuple[Header, Header]:
    """Take the asking site's own opt-out cookie away."""
    return _here("", 0, secure)


class Choice(NamedTuple):
    """The opt-outs that a browser sent.

    A site's own and the one for every site have the same name and value; with the first comes
    `optout_here`.
    """

    everywhere: bool
    here: bool


def choice(head: RequestHead) -> Choice:
    """Tell them apart."""
    found = _choice(head)
    return Choice(found & _EVERYWHERE > 0, found & _AT_SITE > 0)


def _choice(head: RequestHead) -> int:
    text, begin, end = head.text, head.begins[COOKIE], head.ends[COOKIE]
    seen = count(text, begin, end, _OPTED_OUT)
    if seen == 0:
        return 0
    if count(text, begin, end, _HERE) == 0:
        return _EVERYWHERE
    return _AT_SITE | _EVERYWHERE if seen > 1 else _AT_SITE


def renewal(head: RequestHead, secure: bool) -> int:
    """Which of `RENEWALS` who opted out is answered with."""
    found = _choice(head)
    if uid_cookie(head) is not None:
        found |= _NUMBERED
    return found | _SECURE if secure else found


def uid(number: int, secure: bool) -> Header:
    """Keep the visitor's number of the ping that sets it."""
    return _cookie(f"{UID_COOKIE}={uid_value(number)}", MAX_AGE, secure, partitioned=True)


def forget_uid(secure: bool) -> Header:
    """Take the visitor's number away."""
    return _cookie(f"{UID_COOKIE}=", 0, secure, partitioned=True)


def _here(value: str, max_age: int, secure: bool) -> tuple[Header, Header]:
    first = _cookie(f"{OPTOUT_COOKIE}={value}", max_age, secure, partitioned=True)
    return first, _cookie(f"{HERE_COOKIE}={value}", max_age, secure, partitioned=True)


def _cookie(pair: str, max_age: int, secure: bool, *, partitioned: bool = False) -> Header:
    if not secure:  # browsers refuse SameSite=None and Partitioned without Secure
        return ("Set-Cookie", f"{pair}; SameSite=Lax; HttpOnly; Path=/; Max-Age={max_age}")
    tail = "; Partitioned" if partitioned else ""
    attributes = f"SameSite=None; Secure; HttpOnly; Path=/; Max-Age={max_age}"
    return ("Set-Cookie", f"{pair}; {attributes}{tail}")


def _renewed(which: int) -> tuple[Header, ...]:
    secure = which & _SECURE > 0
    return (
        *((opt_out(secure),) if which & _EVERYWHERE else ()),
        *(opt_out_here(secure) if which & _AT_SITE else ()),
        *((forget_uid(secure),) if which & _NUMBERED else ()),
    )


RENEWALS = tuple([_renewed(which) for which in range(_EVERY)])
"""What renews the opt-out that the browser sent, and no other, and takes a visitor's number away.

Without `optout_here` a site's own opt-out would become one for all at its visitor's next ping. The
number is kept for each site apart, where the page for opting out everywhere cannot reach.
"""


def reader(site: str, proof: str, secure: bool) -> Header:
    """Let a browser prove here that it was given a site's token; no other site's page sends it."""
    attributes = f"SameSite=Strict; HttpOnly; Path=/; Max-Age={READ_MAX_AGE}"
    tail = "; Secure" if secure else ""
    return ("Set-Cookie", f"{READ_COOKIE}{site}={proof}; {attributes}{tail}")


def reader_proof(headers: Mapping[bytes, bytes], site: str) -> bytes:
    """Return what a reader's cookie holds for a site; empty when there is none."""
    start = f"{READ_COOKIE}{site}=".encode()
    pairs = (pair.strip(b" \t") for pair in headers.get(b"cookie", b"").split(b";"))
    return next((pair[len(start) :] for pair in pairs if pair.startswith(start)), b"")
