"""Files that browsers keep: read once at the start, told apart by their content."""

import gzip
import re
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from ingest.beacon.hit import Hit
from ingest.http.reply import Header, Reply, reply
from ingest.outcome import Outcome, Route

ASSETS = Path(__file__).parent / "assets"
JAVASCRIPT: Header = ("Content-Type", "text/javascript; charset=utf-8")
CSS: Header = ("Content-Type", "text/css; charset=utf-8")
SVG: Header = ("Content-Type", "image/svg+xml")
VARIES: Header = ("Vary", "Accept-Encoding")
GZIPPED: Header = ("Content-Encoding", "gzip")
_DAY: Header = ("Cache-Control", "public, max-age=86400")
_GZIP = re.compile(rb"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?=,|$)")
_TAG = re.compile(rb'\*|(?:W/)?("[^"]*")')


def takes_gzip(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser reads gzip (RFC 9110, 12.5.3)."""
    return _GZIP.search(headers.get(b"accept-encoding", b"").lower()) is not None


class StaticFile:
    """One file's answers: plain, gzipped, and 304 for a browser that has it."""

    def __init__(self, body: bytes, kind: Header, headers: tuple[Header, ...]) -> None:
        packed = gzip.compress(body, 9, mtime=0)
        fixed = (_DAY, VARIES, *headers)
        self.name = sha256(body).hexdigest()[:16]
        """Another for another content."""
        self._plain = _Variant(body, f'"{self.name}"', (kind,), fixed)
        self._packed = _Variant(packed, f'"{self.name}-gzip"', (kind, GZIPPED), fixed)

    async def show(self, hit: Hit) -> Reply:
        """Answer `GET`."""
        variant = self._packed if takes_gzip(hit.headers) else self._plain
        return variant.answer(hit.headers)


class _Variant:
    """The file in one encoding."""

    def __init__(
        self, body: bytes, tag: str, described: tuple[Header, ...], fixed: tuple[Header, ...]
    ) -> None:
        self._tag = tag.encode()
        kept = (("ETag", tag), *fixed)
        whole = (*described, *kept)
        self._whole = reply(HTTPStatus.OK, whole, body, Route.PAGE, Outcome.PAGE)
        self._same = reply(HTTPStatus.NOT_MODIFIED, kept, b"", Route.PAGE, Outcome.PAGE)

    def answer(self, headers: Mapping[bytes, bytes]) -> Reply:
        """RFC 9110, 13.1.2: tags are compared weakly."""
        for found in _TAG.finditer(headers.get(b"if-none-match", b"")):
            if found[1] is None or found[1] == self._tag:
                return self._same
        return self._whole
