"""What all events of one request share."""

from ingest.beacon.browser import Browser
from ingest.beacon.geo import Place


class Visit:
    """Who sent the request, and when."""

    __slots__ = (
        "browser", "language", "network", "now", "place", "received", "share", "uid", "user_agent",
    )  # fmt: skip

    now: int
    """Epoch milliseconds of receipt."""
    received: str
    network: str
    share: bool
    browser: Browser
    place: Place
    user_agent: bytes
    """As sent, as is the language; empty where it was not."""
    language: bytes
    uid: int | None
    """The visitor's number from the cookie, in cookie mode."""
