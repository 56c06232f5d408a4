"""What all events of one request share."""

from ingest.beacon.browser import Browser
from ingest.beacon.geo import Place


class Visit:
    """Who sent the request, and when."""

    __slots__ = (
        "browser", "network", "now", "place", "received", "share", "uid",
    )  # fmt: skip

    now: int
    """Epoch milliseconds of receipt."""
    received: str
    network: str
    share: bool
    browser: Browser
    place: Place
    uid: int | None
    """The visitor's number from the cookie, in cookie mode."""
