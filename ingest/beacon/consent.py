"""What the visitor wants: the opt-out cookie before anything else, then signals and prefetches."""

from collections.abc import Collection, Mapping

from ingest.beacon.hit import Hit
from ingest.beacon.query import read_query
from ingest.config import Signal, Signals
from ingest.outcome import Route

Headers = Mapping[bytes, bytes]
OPTOUT_COOKIE = "optout"
_OPTED_OUT = b"optout=1"
_IMAGES = (Route.PIXEL, Route.BADGE)
_PING = {"ping": "ping"}


def opted_out(headers: Headers) -> bool:
    """Whether any cookie is named exactly `optout` with the value `1`.

    Cookies are split at `;` and nowhere else: quotes mean nothing (RFC 6265, 5.4).
    """
    cookies = headers.get(b"cookie")
    if cookies is None or _OPTED_OUT not in cookies:
        return False
    return any(pair.strip(b" \t") == _OPTED_OUT for pair in cookies.split(b";"))


def gpc(headers: Headers) -> bool:
    """Whether Global Privacy Control is on (`Sec-GPC: 1`)."""
    return headers.get(b"sec-gpc", b"").strip() == b"1"


def dnt(headers: Headers) -> bool:
    """Whether Do Not Track is on (`DNT: 1`)."""
    return headers.get(b"dnt", b"").strip() == b"1"


def optout_unreadable(headers: Headers) -> bool:
    """Whether the browser says that it keeps cookies from us, so that no opt-out can be seen."""
    return headers.get(b"sec-fetch-storage-access") == b"none"


class Consent:
    """Decides by the configured meaning of each signal."""

    def __init__(self, signals: Signals, own_origins: Collection[str]) -> None:
        """`own_origins` are this server's own: a badge on its own pages is no ping."""
        pairs = ((gpc, signals.gpc), (dnt, signals.dnt))
        self._dropping = tuple(seen for seen, meaning in pairs if meaning is Signal.DROP)
        self._unsharing = tuple(seen for seen, meaning in pairs if meaning is Signal.SHARE)
        self._own = tuple(f"{origin}/".encode() for origin in own_origins)

    def ignored(self, hit: Hit) -> bool:
        """Whether a request is no visit, or one that is not to be stored."""
        headers = hit.headers
        if hit.method == b"HEAD" and hit.route in _IMAGES:
            return True
        if _prefetch(headers) or any(seen(headers) for seen in self._dropping):
            return True
        return hit.route is Route.BADGE and self._is_only_looked_at(hit)

    def share(self, headers: Headers) -> bool:
        """Whether the event may go to partners."""
        return not any(seen(headers) for seen in self._unsharing)

    def _is_only_looked_at(self, hit: Hit) -> bool:
        """A badge that is not to count, opened by itself, or on our own pages."""
        if hit.headers.get(b"sec-fetch-dest") == b"document":
            return True
        if read_query(hit.query, _PING).values.get("ping") == "0":
            return True
        referer = hit.headers.get(b"referer", b"")
        if not referer:
            return False
        host = hit.headers.get(b"host", b"")
        own = (b"http://%b/" % host, b"https://%b/" % host, *self._own)
        return referer.startswith(own) or referer + b"/" in own


def _prefetch(headers: Headers) -> bool:
    """`Sec-Purpose: prefetch;prerender`, and `Purpose: prefetch` of older browsers."""
    purpose = headers.get(b"sec-purpose") or headers.get(b"purpose")
    return purpose is not None and b"prefetch" in purpose.lower()
