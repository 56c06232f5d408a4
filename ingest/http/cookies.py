"""The cookies that this server sets: a preference, and where configured a random number."""

from collections.abc import Mapping

from ingest.beacon.consent import OPTOUT_COOKIE
from ingest.beacon.visitor import UID_COOKIE, uid_cookie, uid_value
from ingest.http.reply import Header

MAX_AGE = 34_560_000
"""Seconds: 400 days, the most that browsers keep (RFC 6265bis, 5.5)."""


def opt_out(secure: bool) -> Header:
    """Set the opt-out cookie for every site."""
    return _cookie(f"{OPTOUT_COOKIE}=1", MAX_AGE, secure)


def opt_in(secure: bool) -> Header:
    """Take the opt-out cookie away."""
    return _cookie(f"{OPTOUT_COOKIE}=", 0, secure)


def opt_out_here(secure: bool) -> Header:
    """Set the opt-out cookie for the asking site only (CHIPS)."""
    return _cookie(f"{OPTOUT_COOKIE}=1", MAX_AGE, secure, partitioned=True)


def opt_in_here(secure: bool) -> Header:
    """Take the asking site's own opt-out cookie away."""
    return _cookie(f"{OPTOUT_COOKIE}=", 0, secure, partitioned=True)


def uid(number: int, secure: bool) -> Header:
    """Keep the visitor's number of the ping that sets it."""
    return _cookie(f"{UID_COOKIE}={uid_value(number)}", MAX_AGE, secure, partitioned=True)


def forget_uid(secure: bool) -> Header:
    """Take the visitor's number away."""
    return _cookie(f"{UID_COOKIE}=", 0, secure, partitioned=True)


def _cookie(pair: str, max_age: int, secure: bool, *, partitioned: bool = False) -> Header:
    if not secure:  # browsers refuse SameSite=None and Partitioned without Secure
        return ("Set-Cookie", f"{pair}; SameSite=Lax; HttpOnly; Path=/; Max-Age={max_age}")
    tail = "; Partitioned" if partitioned else ""
    attributes = f"SameSite=None; Secure; HttpOnly; Path=/; Max-Age={max_age}"
    return ("Set-Cookie", f"{pair}; {attributes}{tail}")


def has_uid(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the browser already keeps a number of ours."""
    return uid_cookie(headers) is not None
