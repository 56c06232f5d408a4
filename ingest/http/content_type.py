"""Which bodies `POST /e` takes."""

import re

from ingest.beacon.hit import RequestHead
from ingest.beacon.known import CONTENT_ENCODING, CONTENT_TYPE

_TAKEN = re.compile(
    rb"(?:text/plain|application/json)[ \t]*"
    rb"(?:;[ \t]*charset[ \t]*=[ \t]*\"?utf-?8\"?[ \t]*)?;?[ \t]*",
    re.IGNORECASE,
)
USUAL = frozenset((b"text/plain;charset=UTF-8", b"text/plain", b"application/json"))
"""What browsers and most programs write: taken at a glance, as it is by the rule."""


def refusal(head: RequestHead) -> str | None:
    """Return why a body is not taken (415), or None when it is."""
    if head.value(CONTENT_ENCODING) is not None:
        return "Content-Encoding is not taken; send the body as it is"
    content_type = head.value(CONTENT_TYPE)
    if not content_type or content_type in USUAL or _TAKEN.fullmatch(content_type.strip()):
        return None
    return "Content-Type must be application/json or text/plain, in UTF-8"
