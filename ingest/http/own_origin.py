"""Under which scheme and origin browsers reach this server."""

import re

from ingest.beacon.hit import Peer, RequestHead
from ingest.beacon.known import HOST
from ingest.beacon.network import TrustedProxies
from ingest.beacon.origin import origin_of

_LOOPBACK = re.compile(
    r"(?:127(?:\.[0-9]{1,3}){3}|\[::1\]|(?:[^:]*\.)?localhost)(?::[0-9]*)?",
    re.ASCII | re.IGNORECASE,
)


class OwnOrigin:
    """By `http.public_url`; else by a trusted proxy's word and `Host`; else plain HTTP."""

    def __init__(self, public_url: str | None, proxies: TrustedProxies) -> None:
        self._public_url = None if public_url is None else _text(public_url)
        self._public_is_secure = public_url is not None and is_secure(_text(public_url))
        self._proxies = proxies

    def of(self, peer: Peer, head: RequestHead) -> str:
        """Return it, such as `https://beacon.example`; empty when the request names none."""
        if self._public_url is not None:
            return self._public_url
        host = (head.value(HOST) or b"").decode("latin-1").lower()
        scheme = "https" if self._proxies.https(peer, head) else "http"
        return _text(f"{scheme}://{host}") if host else ""

    def secure(self, peer: Peer, head: RequestHead) -> bool:
        """Whether browsers take `Secure` cookies here: HTTPS, or loopback."""
        if self._public_url is not None:
            return self._public_is_secure
        # As `is_secure(self.of(…))`, without making that text: each ping of who opted out asks.
        host = head.value(HOST)
        if not host:
            return False
        return self._proxies.https(peer, head) or _is_loopback(host.decode("latin-1"))


def is_secure(origin: str) -> bool:
    """Whether nobody can listen on the way to it: HTTPS, or loopback."""
    if origin.startswith("https:"):
        return True
    return _is_loopback(origin.partition("://")[2])


def _is_loopback(authority: str) -> bool:
    return _LOOPBACK.fullmatch(authority) is not None


def _text(url: str) -> str:
    return origin_of(url.encode("latin-1")).decode("latin-1")
