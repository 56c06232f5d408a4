"""One request's head, parsed by llhttp and checked strictly (RFC 9112)."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

import httptools

_TARGET = re.compile(rb"(?:https?://[^/?#]+)?(/[^#]*)", re.IGNORECASE)
_HOST = re.compile(
    rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?",
)
_VISIBLE = re.compile(rb"[\x21-\x7e]+")
_SEPARATOR = {b"cookie": b"; "}
_SINGLE = frozenset((b"host", b"content-length", b"content-type"))


class Refusal(Exception):
    """A request that is answered by the gate itself; the message says why."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Head(NamedTuple):
    """What a request's head says."""

    method: bytes
    path: str
    """As sent, without the query."""
    query: bytes
    headers: Mapping[bytes, bytes]
    """Names in lower case, repeated fields joined; names with an underscore left out, since other
    servers on the way may take `x_forwarded_for` for `x-forwarded-for`."""
    keep_alive: bool
    old: bool
    """HTTP/1.0: the answer says whether the connection stays."""
    length: int
    """Bytes of the body by `Content-Length`."""
    chunked: bool
    special: bool
    """`Expect` or `Upgrade`: not for the fast lane."""


class HeadParser:
    """Parses the heads of one connection, one after the other."""

    __slots__ = (
        "_count",
        "_headers",
        "_keep_alive",
        "_max_headers",
        "_parser",
        "_repeated",
        "_target",
    )

    def __init__(self, max_headers: int) -> None:
        self._max_headers = max_headers
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._count = 0
        self._repeated = False
        self._keep_alive = False

    def on_url(self, target: bytes) -> None:
        """Called by the parser."""
        self._target = target

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._count += 1
        name = name.lower()
        headers = self._headers
        if name in headers:
            self._repeated |= name in _SINGLE
            headers[name] += _SEPARATOR.get(name, b", ") + value
        elif b"_" not in name:
            headers[name] = value

    def on_headers_complete(self) -> None:
        """Called by the parser, which forgets `Connection` at the message's end."""
        self._keep_alive = self._parser.should_keep_alive()

    def parse(self, head: bytes) -> Head:
        """Parse a whole head, its empty line included. Raises `Refusal`."""
        self._target, self._headers, self._count, self._repeated = b"", {}, 0, False
        upgrade = False
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            upgrade = True
        except httptools.HttpParserError:
            raise Refusal(HTTPStatus.BAD_REQUEST, _malformed(head)) from None
        if self._count > self._max_headers:
            detail = f"more than {self._max_headers} header lines"
            raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
        return self._checked(head, upgrade)

    def body_done(self, body: bytes) -> None:
        """Tell the parser of a body by `Content-Length`, so that it expects the next head."""
        self._parser.feed_data(body)

    def _checked(self, head: bytes, upgrade: bool) -> Head:
        parser, headers = self._parser, self._headers
        version = parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.1 and 1.0 are spoken")
        if head.count(b" ", 0, head.index(b"\r")) != 2:
            raise Refusal(HTTPStatus.BAD_REQUEST, _malformed(head))
        lines = head.count(b"\r\n")
        if head.count(b"\n") != lines or head.count(b"\r") != lines:
            raise Refusal(HTTPStatus.BAD_REQUEST, "a line ends without CR and LF")
        if b"\n " in head or b"\n\t" in head:
            raise Refusal(HTTPStatus.BAD_REQUEST, "a header line is folded")
        if self._repeated:
            raise Refusal(
                HTTPStatus.BAD_REQUEST, "Host, Content-Length or Content-Type is repeated"
            )
        _check_host(headers.get(b"host"), version)
        path, query = _split(self._target)
        chunked = _is_chunked(headers, version)
        if headers.get(b"expect", b"100-continue").lower() != b"100-continue":
            detail = "the only expectation met is 100-continue"
            raise Refusal(HTTPStatus.EXPECTATION_FAILED, detail)
        return Head(
            parser.get_method(),
            path,
            query,
            headers,
            self._keep_alive and not upgrade,
            version == "1.0",
            _length(headers),
            chunked,
            upgrade or b"expect" in headers or b"upgrade" in headers,
        )


def _check_host(host: bytes | None, version: str) -> None:
    """RFC 9112, 3.2: one valid Host on HTTP/1.1."""
    if host is None:
        if version == "1.1":
            raise Refusal(HTTPStatus.BAD_REQUEST, "Host is missing")
    elif not _HOST.fullmatch(host):
        raise Refusal(HTTPStatus.BAD_REQUEST, "Host is not valid")


def _split(target: bytes) -> tuple[str, bytes]:
    """Path and query of a target in origin form or absolute form (RFC 9112, 3.2)."""
    if not _VISIBLE.fullmatch(target):
        detail = "the request target has bytes other than visible ASCII; percent-encode them"
        raise Refusal(HTTPStatus.BAD_REQUEST, detail)
    if target[:1] != b"/" or b"#" in target:
        match = _TARGET.fullmatch(target)
        if match is None:
            raise Refusal(HTTPStatus.BAD_REQUEST, "the request target is no path")
        target = match[1]
    path, _, query = target.partition(b"?")
    return path.decode("ascii"), query


def _is_chunked(headers: Mapping[bytes, bytes], version: str) -> bool:
    """RFC 9112, 6.1: what could be read in two ways is refused."""
    coding = headers.get(b"transfer-encoding")
    if coding is None:
        return False
    if version == "1.0":
        raise Refusal(HTTPStatus.BAD_REQUEST, "Transfer-Encoding on HTTP/1.0")
    if b"content-length" in headers:
        raise Refusal(HTTPStatus.BAD_REQUEST, "both Transfer-Encoding and Content-Length")
    if coding.lower() != b"chunked":
        raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "the only transfer coding taken is chunked")
    return True


def _length(headers: Mapping[bytes, bytes]) -> int:
    length = headers.get(b"content-length")
    if length is None:
        return 0
    if not length.isdigit() or len(length) > 19:
        raise Refusal(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
    return int(length)


def _malformed(head: bytes) -> str:
    """Say what is wrong where it can be told; never with a byte of the request."""
    line = head.partition(b"\r\n")[0]
    if any(byte > 0x7E for byte in line):
        return "the request line has bytes other than visible ASCII; percent-encode them"
    if not re.search(rb" HTTP/1\.[01]\Z", line):
        return "the request line is not METHOD TARGET HTTP/1.1"
    return "the request's head is malformed"
