"""What scripts of other sites may read (Fetch Standard, CORS protocol)."""

import re

from ingest.beacon.hit import RequestHead
from ingest.beacon.known import ORIGIN
from ingest.http.reply import Header

ANYONE: tuple[Header, ...] = (("Access-Control-Allow-Origin", "*"),)
_API = "/api/"
_ORIGIN = re.compile(rb"[a-z][a-z0-9+.-]{0,20}://[A-Za-z0-9._~:\[\]-]{1,270}")
UNREADABLE: tuple[Header, ...] = (("Vary", "Origin"),)
"""For requests of no origin, or of one without a name."""
READABLE: tuple[Header, ...] = (
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Expose-Headers", "Beacon-Outcome, Retry-After"),
    *UNREADABLE,
)
"""For every origin that may read an answer; `allow` names it."""
_PREFLIGHT: tuple[Header, ...] = (
    ("Access-Control-Allow-Methods", "POST"),
    ("Access-Control-Allow-Headers", "content-type"),
    ("Access-Control-Max-Age", "7200"),
)


def on_api(path: str) -> tuple[Header, ...]:
    """For errors that say nothing of a site: below the API's paths anyone may read them."""
    return ANYONE if path.startswith(_API) else ()


def asking_origin(head: RequestHead) -> bytes | None:
    """Whose scripts ask; None for nobody's and for `null`."""
    origin = head.value(ORIGIN)
    return None if origin is None or not _ORIGIN.fullmatch(origin) else origin


def allow(origin: bytes) -> Header:
    """Let an `asking_origin` read the answer."""
    return ("Access-Control-Allow-Origin", origin.decode("ascii"))


def with_credentials(head: RequestHead) -> tuple[Header, ...]:
    """Let the asking origin read the answer, cookies included; nothing for none or `null`."""
    origin = asking_origin(head)
    return UNREADABLE if origin is None else (*READABLE, allow(origin))


def preflight(head: RequestHead) -> tuple[Header, ...]:
    """The answer to `OPTIONS /e`."""
    allowed = with_credentials(head)
    return allowed if allowed is UNREADABLE else (*allowed, *_PREFLIGHT)
