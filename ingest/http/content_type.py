"""Which bodies `POST /e` takes."""

import re
from collections.abc import Mapping

_TAKEN = re.compile(
    rb"(?:text/plain|application/json)[ \t]*"
    rb"(?:;[ \t]*charset[ \t]*=[ \t]*\"?utf-?8\"?[ \t]*)?;?[ \t]*",
    re.IGNORECASE,
)


def refusal(headers: Mapping[bytes, bytes]) -> str | None:
    """Return why a body is not taken (415), or None when it is."""
    if b"content-encoding" in headers:
        return "Content-Encoding is not taken; send the body as it is"
    content_type = headers.get(b"content-type")
    if content_type and not _TAKEN.fullmatch(content_type.strip()):
        return "Content-Type must be application/json or text/plain, in UTF-8"
    return None
