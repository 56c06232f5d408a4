"""The cookies that this server sets: a preference, and where configured a random number."""

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.beacon.consent import OPTOUT_COOKIE
from ingest.beacon.visitor import UID_COOKIE, uid_cookie, uid_value
from ingest.http.reply import Header

HERE_COOKIE = "optout_here"
"""Beside a site's own opt-out cookie: says that it is that, for both have the same name."""
_HERE = f"{HERE_COOKIE}=1".encode()
_OPTED_OUT = f"{OPTOUT_COOKIE}=1".encode()
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


@dataclass(frozen=True, slots=True)
class Choice:
    """The opt-outs that a browser sent.

    A site's own and the one for every site have the same name and value; with the first comes
    `optout_here`.
    """

    everywhere: bool
    here: bool


def choice(headers: Mapping[bytes, bytes]) -> Choice:
    """Tell them apart."""
    pairs = [pair.strip(b" \t") for pair in headers.get(b"cookie", b"").split(b";")]
    seen = pairs.count(_OPTED_OUT)
    here = seen > 0 and _HERE in pairs
    return Choice(everywhere=seen > here, here=here)


def on_opted_out(headers: Mapping[bytes, bytes], secure: bool) -> tuple[Header, ...]:
    """Renew the opt-out that the browser sent, and no other; take a visitor's number away.

    Without `optout_here` a site's own opt-out would become one for all at its visitor's next ping.
    The number is kept for each site apart, where the page for opting out everywhere cannot reach.
    """
    found = choice(headers)
    return (
        *((opt_out(secure),) if found.everywhere else ()),
        *(opt_out_here(secure) if found.here else ()),
        *((forget_uid(secure),) if has_uid(headers) else ()),
    )


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


def has_uid(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the browser already keeps a number of ours."""
    return uid_cookie(headers) is not None


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
