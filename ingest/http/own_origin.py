"""Under which scheme and origin browsers reach this server."""

import re
from collections.abc import Mapping

from ingest.beacon.hit import Peer
from ingest.beacon.network import TrustedProxies

_PORTS = {"http": ":80", "https": ":443"}
_LOOPBACK = re.compile(r"(?:(?:[^:]*\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]*)?")


class OwnOrigin:
    """By `http.public_url`; else by a trusted proxy's word and `Host`; else plain HTTP."""

    def __init__(self, public_url: str | None, proxies: TrustedProxies) -> None:
        self._public_url = None if public_url is None else normal(public_url)
        self._proxies = proxies

    def of(self, peer: Peer, headers: Mapping[bytes, bytes]) -> str:
        """Return it, such as `https://beacon.example`; empty when the request names none."""
        if self._public_url is not None:
            return self._public_url
        host = headers.get(b"host", b"").decode("latin-1").lower()
        scheme = "https" if self._proxies.https(peer, headers) else "http"
        return normal(f"{scheme}://{host}") if host else ""

    def secure(self, peer: Peer, headers: Mapping[bytes, bytes]) -> bool:
        """Whether browsers take `Secure` cookies here: HTTPS, or loopback."""
        origin = self.of(peer, headers)
        if origin.startswith("https:"):
            return True
        return _LOOPBACK.fullmatch(origin.partition("://")[2]) is not None


def normal(origin: str) -> str:
    """Write an origin as browsers do: lower case, without its scheme's own port."""
    scheme, _, host = origin.lower().partition("://")
    return f"{scheme}://{host.removesuffix(_PORTS.get(scheme, ''))}"
