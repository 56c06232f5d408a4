"""What the visitor wants: the opt-out cookie before anything else, then signals and prefetches."""

from collections.abc import Collection, Mapping

from ingest.beacon.hit import Hit
from ingest.beacon.origin import origin_of
from ingest.beacon.query import read_query
from ingest.config import Signal, Signals
from ingest.outcome import Route

Headers = Mapping[bytes, bytes]
OPTOUT_COOKIE = "optout"
_GPC, _DNT = b"sec-gpc", b"dnt"
_OPTED_OUT = b"optout=1"
_OWS = b" \t"
_IMAGES = frozenset({Route.PIXEL, Route.BADGE})
_BADGE = Route.BADGE
_PING = {"ping": "ping"}


def opted_out(headers: Headers) -> bool:
    """Whether any cookie is named exactly `optout` with the value `1`.

    Cookies are split at `;` and nowhere else: quotes mean nothing (RFC 6265, 5.4), so that no
    other cookie can hide the opt-out.
    """
    cookies = headers.get(b"cookie")
    if cookies is None or _OPTED_OUT not in cookies:
        return False
    return _OPTED_OUT in [pair.strip(_OWS) for pair in cookies.split(b";")]


def gpc(headers: Headers) -> bool:
    """Whether Global Privacy Control is on (`Sec-GPC: 1`)."""
    return _is_one(headers.get(_GPC))


def dnt(headers: Headers) -> bool:
    """Whether Do Not Track is on (`DNT: 1`)."""
    return _is_one(headers.get(_DNT))


def optout_unreadable(headers: Headers) -> bool:
    """Whether the browser says that it keeps cookies from us, so that no opt-out can be seen."""
    return headers.get(b"sec-fetch-storage-access", b"").strip() == b"none"


class Consent:
    """Decides by the configured meaning of each signal."""

    def __init__(self, signals: Signals, own_origins: Collection[str]) -> None:
        """`own_origins`, if known, are this server's: a badge on its own pages is no ping."""
        pairs = ((_GPC, signals.gpc), (_DNT, signals.dnt))
        self._dropping = tuple([name for name, meaning in pairs if meaning is Signal.DROP])
        self._unsharing = tuple([name for name, meaning in pairs if meaning is Signal.SHARE])
        self._own = frozenset([origin_of(origin.encode()) for origin in own_origins])

    def ignored(self, hit: Hit) -> bool:
        """Whether a request is no visit, or one that is not to be stored."""
        headers = hit.headers
        if hit.method == b"HEAD" and hit.route in _IMAGES:
            return True
        if _is_prefetch(headers) or _any(self._dropping, headers):
            return True
        return hit.route is _BADGE and self._is_only_looked_at(hit)

    def share(self, headers: Headers) -> bool:
        """Whether the event may go to partners."""
        return not _any(self._unsharing, headers)

    def _is_only_looked_at(self, hit: Hit) -> bool:
        """Whether a badge is not to count, is opened by itself, or stands on our own pages."""
        if hit.headers.get(b"sec-fetch-dest") == b"document":
            return True
        if read_query(hit.query, _PING).values.get("ping") == "0":
            return True
        referer = hit.headers.get(b"referer")
        if not referer:
            return False
        page = origin_of(referer)
        if self._own:
            return page in self._own
        # Without public_url the host's name: a proxy on a site's own host looks the same.
        # Either scheme: behind a proxy that ends TLS ours is not known here, the host's name is.
        host = hit.headers.get(b"host", b"")
        return host != b"" and page in (
            origin_of(b"http://%b" % host),
            origin_of(b"https://%b" % host),
        )


def _any(signals: tuple[bytes, ...], headers: Headers) -> bool:
    """Whether any of the signals is on. A loop: a generator costs more than the looking."""
    for name in signals:  # noqa: SIM110
        if _is_one(headers.get(name)):
            return True
    return False


def _is_one(value: bytes | None) -> bool:
    """Whether a field is `1`, or a repeated one in any place: in doubt for the visitor."""
    if value is None:
        return False
    return value == b"1" or b"1" in [part.strip(_OWS) for part in value.split(b",")]


def _is_prefetch(headers: Headers) -> bool:
    """`Sec-Purpose: prefetch;prerender`, and `Purpose: prefetch` of older browsers."""
    for name in (b"sec-purpose", b"purpose"):
        value = headers.get(name)
        if value is not None:
            tokens = value.lower().replace(b",", b";").split(b";")
            if b"prefetch" in [token.strip(_OWS) for token in tokens]:
                return True
    return False
