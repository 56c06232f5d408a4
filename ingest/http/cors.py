"""What scripts of other sites may read (Fetch Standard, CORS protocol)."""

import re
from collections.abc import Mapping

from ingest.http.reply import Header

ANYONE: tuple[Header, ...] = (("Access-Control-Allow-Origin", "*"),)
_API = "/api/"
_ORIGIN = re.compile(rb"[a-z][a-z0-9+.-]{0,20}://[A-Za-z0-9._~:\[\]-]{1,270}")
_VARY: Header = ("Vary", "Origin")
_CREDENTIALS: Header = ("Access-Control-Allow-Credentials", "true")
_EXPOSED: Header = ("Access-Control-Expose-Headers", "Beacon-Outcome, Retry-After")
_PREFLIGHT: tuple[Header, ...] = (
    ("Access-Control-Allow-Methods", "POST"),
    ("Access-Control-Allow-Headers", "content-type"),
    ("Access-Control-Max-Age", "7200"),
)


def on_api(path: str) -> tuple[Header, ...]:
    """For errors that say nothing of a site: below the API's paths anyone may read them."""
    return ANYONE if path.startswith(_API) else ()


def with_credentials(headers: Mapping[bytes, bytes]) -> tuple[Header, ...]:
    """Let the asking origin read the answer, cookies included; nothing for none or `null`."""
    origin = headers.get(b"origin")
    if origin is None or not _ORIGIN.fullmatch(origin):
        return (_VARY,)
    return (
        ("Access-Control-Allow-Origin", origin.decode("ascii")),
        _CREDENTIALS,
        _EXPOSED,
        _VARY,
    )


def preflight(headers: Mapping[bytes, bytes]) -> tuple[Header, ...]:
    """The answer to `OPTIONS /e`."""
    allowed = with_credentials(headers)
    return allowed if len(allowed) == 1 else (*allowed, *_PREFLIGHT)
