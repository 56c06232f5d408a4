"""What the visitor wants: the opt-out cookie before anything else, then signals and prefetches."""

from collections.abc import Collection, Mapping

from ingest.beacon.hit import Hit
from ingest.beacon.query import read_query
from ingest.config import Signal, Signals
from ingest.outcome import Route

Headers = Mapping[bytes, bytes]
OPTOUT_COOKIE = "optout"
_OPTED_OUT = b"optout=1"
_OWS = b" \t"
_IMAGES = frozenset({Route.PIXEL, Route.BADGE})
_PING = {"ping": "ping"}
_OWN_PORTS = ((b"http://", b":80"), (b"https://", b":443"))


def opted_out(headers: Headers) -> bool:
    """Whether any cookie is named exactly `optout` with the value `1`.

    Cookies are split at `;` and nowhere else: quotes mean nothing (RFC 6265, 5.4), so that no
    other cookie can hide the opt-out.
    """
    cookies = headers.get(b"cookie")
    if cookies is None or _OPTED_OUT not in cookies:
        return False
    return any(pair.strip(_OWS) == _OPTED_OUT for pair in cookies.split(b";"))


def gpc(headers: Headers) -> bool:
    """Whether Global Privacy Control is on (`Sec-GPC: 1`)."""
    return _is_one(headers.get(b"sec-gpc"))


def dnt(headers: Headers) -> bool:
    """Whether Do Not Track is on (`DNT: 1`)."""
    return _is_one(headers.get(b"dnt"))


def optout_unreadable(headers: Headers) -> bool:
    """Whether the browser says that it keeps cookies from us, so that no opt-out can be seen."""
    return headers.get(b"sec-fetch-storage-access", b"").strip() == b"none"


class Consent:
    """Decides by the configured meaning of each signal."""

    def __init__(self, signals: Signals, own_origins: Collection[str]) -> None:
        """`own_origins` are this server's own: a badge on its own pages is no ping."""
        pairs = ((gpc, signals.gpc), (dnt, signals.dnt))
        self._dropping = tuple(seen for seen, meaning in pairs if meaning is Signal.DROP)
        self._unsharing = tuple(seen for seen, meaning in pairs if meaning is Signal.SHARE)
        self._own = frozenset(_origin(origin.encode()) for origin in own_origins)

    def ignored(self, hit: Hit) -> bool:
        """Whether a request is no visit, or one that is not to be stored."""
        headers = hit.headers
        if hit.method == b"HEAD" and hit.route in _IMAGES:
            return True
        if _is_prefetch(headers) or any(seen(headers) for seen in self._dropping):
            return True
        return hit.route is Route.BADGE and self._is_only_looked_at(hit)

    def share(self, headers: Headers) -> bool:
        """Whether the event may go to partners."""
        return not any(seen(headers) for seen in self._unsharing)

    def _is_only_looked_at(self, hit: Hit) -> bool:
        """Whether a badge is not to count, is opened by itself, or stands on our own pages."""
        if hit.headers.get(b"sec-fetch-dest") == b"document":
            return True
        if read_query(hit.query, _PING).values.get("ping") == "0":
            return True
        referer = hit.headers.get(b"referer")
        if not referer:
            return False
        page = _origin(referer)
        if page in self._own:
            return True
        # Either scheme: behind a proxy that ends TLS ours is not known here, the host's name is.
        host = hit.headers.get(b"host", b"")
        return host != b"" and page in (_origin(b"http://%b" % host), _origin(b"https://%b" % host))


def _is_one(value: bytes | None) -> bool:
    """Whether a field is `1`, or a repeated one in any place: in doubt for the visitor."""
    if value is None:
        return False
    return value == b"1" or any(part.strip(_OWS) == b"1" for part in value.split(b","))


def _is_prefetch(headers: Headers) -> bool:
    """`Sec-Purpose: prefetch;prerender`, and `Purpose: prefetch` of older browsers."""
    for name in (b"sec-purpose", b"purpose"):
        value = headers.get(name)
        if value is not None:
            tokens = value.lower().replace(b",", b";").split(b";")
            if any(token.strip(_OWS) == b"prefetch" for token in tokens):
                return True
    return False


def _origin(url: bytes) -> bytes:
    """Return scheme and authority in lower case, without the port that the scheme implies."""
    scheme, separator, rest = url.strip(_OWS).lower().partition(b"://")
    authority = rest.partition(b"/")[0].partition(b"?")[0].partition(b"#")[0]
    origin = scheme + separator + authority
    for start, port in _OWN_PORTS:
        if origin.startswith(start):
            return origin.removesuffix(port)
    return origin
