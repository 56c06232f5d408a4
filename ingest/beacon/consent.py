"""What the visitor wants: the opt-out cookie before anything else, then signals and prefetches."""

from collections.abc import Collection

from ingest.beacon.cookie import count
from ingest.beacon.hit import Hit, RequestHead
from ingest.beacon.known import (
    COOKIE,
    DNT,
    HOST,
    PURPOSE,
    REFERER,
    SEC_FETCH_DEST,
    SEC_FETCH_STORAGE_ACCESS,
    SEC_GPC,
    SEC_PURPOSE,
    mask,
)
from ingest.beacon.origin import origin_of
from ingest.beacon.query import read_query
from ingest.config import Signal, Signals
from ingest.outcome import Route

OPTOUT_COOKIE = "optout"
_OPTED_OUT = b"optout=1"
_OWS = b" \t"
_IMAGES = frozenset({Route.PIXEL, Route.BADGE})
_BADGE = Route.BADGE
_PING = {"ping": "ping"}


def has_opted_out(head: RequestHead) -> bool:
    """Whether any cookie is named exactly `optout` with the value `1`."""
    return count(head.text, head.begins[COOKIE], head.ends[COOKIE], _OPTED_OUT) > 0


def gpc(head: RequestHead) -> bool:
    """Whether Global Privacy Control is on (`Sec-GPC: 1`)."""
    return _is_one(head.value(SEC_GPC))


def has_no_cookies(head: RequestHead) -> bool:
    """Whether the browser says that it keeps cookies from us, so that no opt-out can be seen."""
    value = head.value(SEC_FETCH_STORAGE_ACCESS)
    return value is not None and value.strip() == b"none"


class Consent:
    """Decides by the configured meaning of each signal."""

    def __init__(self, signals: Signals, own_origins: Collection[str]) -> None:
        """`own_origins`, if known, are this server's: a badge on its own pages is no ping."""
        pairs = ((SEC_GPC, signals.gpc), (DNT, signals.dnt))
        self._dropping = tuple([known for known, meaning in pairs if meaning is Signal.DROP])
        self._unsharing = tuple([known for known, meaning in pairs if meaning is Signal.SHARE])
        self._asking = mask((SEC_PURPOSE, PURPOSE, *self._dropping))
        self._asking_not_to_share = mask(self._unsharing)
        self._own = frozenset([origin_of(origin.encode()) for origin in own_origins])

    def ignored(self, hit: Hit) -> bool:
        """Whether a request is no visit, or one that is not to be stored."""
        if hit.method == b"HEAD" and hit.route in _IMAGES:
            return True
        head = hit.head
        # Mostly none of these fields is there, which one look at the bits tells.
        if head.seen & self._asking and (_is_prefetch(head) or _any(self._dropping, head)):
            return True
        return hit.route is _BADGE and self._is_only_looked_at(hit)

    def share(self, head: RequestHead) -> bool:
        """Whether the event may go to partners."""
        return not (head.seen & self._asking_not_to_share and _any(self._unsharing, head))

    def _is_only_looked_at(self, hit: Hit) -> bool:
        """Whether a badge is not to count, is opened by itself, or stands on our own pages."""
        head = hit.head
        if head.value(SEC_FETCH_DEST) == b"document":
            return True
        if read_query(hit.query, _PING).values.get("ping") == "0":
            return True
        referer = head.value(REFERER)
        if not referer:
            return False
        page = origin_of(referer)
        if self._own:
            return page in self._own
        # Without public_url the host's name: a proxy on a site's own host looks the same.
        # Either scheme: behind a proxy that ends TLS ours is not known here, the host's name is.
        host = head.value(HOST) or b""
        return host != b"" and page in (
            origin_of(b"http://%b" % host),
            origin_of(b"https://%b" % host),
        )


def _any(signals: tuple[int, ...], head: RequestHead) -> bool:
    """Whether any of the signals is on. A loop: a generator costs more than the looking."""
    for known in signals:  # noqa: SIM110
        if _is_one(head.value(known)):
            return True
    return False


def _is_one(value: bytes | None) -> bool:
    """Whether a field is `1`, or a repeated one in any place: in doubt for the visitor."""
    if value is None:
        return False
    return value == b"1" or b"1" in [part.strip(_OWS) for part in value.split(b",")]


def _is_prefetch(head: RequestHead) -> bool:
    """`Sec-Purpose: prefetch;prerender`, and `Purpose: prefetch` of older browsers."""
    for known in (SEC_PURPOSE, PURPOSE):
        value = head.value(known)
        if value is not None:
            tokens = value.lower().replace(b",", b";").split(b";")
            if b"prefetch" in [token.strip(_OWS) for token in tokens]:
                return True
    return False
