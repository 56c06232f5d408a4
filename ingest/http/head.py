"""One request's head, read in one pass and checked strictly (RFC 9112). Compiled: head.pxd."""

import re
from functools import lru_cache
from http import HTTPStatus

from ingest.beacon.cut import cut

_METHODS = frozenset(
    b"ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL "
    b"MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH "
    b"SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE".split()
)
"""Those with a meaning for HTTP servers (IANA's registry, and some before it), but `CONNECT`."""
_VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]")
_AUTHORITY = rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?"
_HOST = re.compile(_AUTHORITY)
_ABSOLUTE = re.compile(rb"https?://" + _AUTHORITY + rb"(/.*)", re.IGNORECASE)
_SHORT = 256
"""Bytes of a `Host` that is remembered at most."""
_SEPARATOR = {b"cookie": b"; "}
_SINGLE = frozenset((b"host", b"content-length", b"content-type"))
_COMMON = (
    "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection",
    "Content-Length", "Content-Type", "Cookie", "DNT", "Forwarded", "Host", "Origin", "Pragma",
    "Priority", "Purpose", "Referer", "Sec-CH-UA", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform",
    "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-Storage-Access", "Sec-GPC",
    "Sec-Purpose", "User-Agent", "Via", "X-Forwarded-For", "X-Forwarded-Host",
    "X-Forwarded-Proto", "X-Real-IP", "X-Request-ID",
)  # fmt: skip
_KNOWN = {
    spelled.encode(): name.lower().encode() for name in _COMMON for spelled in (name, name.lower())
}
"""Names as they are mostly spelled: one object for each, whose hash is known."""

_CR, _LF, _SPACE, _TAB, _COLON, _HASH, _QUESTION, _SLASH = b"\r\n \t:#?/"
_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IN_NAME = bytes(byte in _TOKEN for byte in range(256))
"""RFC 9110, 5.6.2: whether a byte may stand in a field's name."""
_IN_VALUE = bytes(byte == 0x09 or 0x20 <= byte != 0x7F for byte in range(256))
"""RFC 9110, 5.5: whether a byte may stand in a field's value."""


class Refusal(Exception):
    """A request that is answered by the gate itself; the message says why."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Head:
    """What a request's head says."""

    def __init__(
        self,
        method: bytes,
        path: str,
        query: bytes,
        old: bool,
    ) -> None:
        self.method = method
        self.path = path
        """As sent, without the query."""
        self.query = query
        self.headers: dict[bytes, bytes] = {}
        """Names in lower case, repeated fields joined; names with an underscore left out, since
        other servers on the way may take `x_forwarded_for` for `x-forwarded-for`."""
        self.old = old
        """HTTP/1.0: the answer says whether the connection stays."""
        self.keep_alive = True
        self.length = 0
        """Bytes of the body by `Content-Length`."""
        self.chunked = False
        self.special = False
        """`Expect` or `Upgrade`: not for the fast lane."""
        self.end = 0
        """Where the bytes behind it begin."""


def parse_head(head: bytes, start: int, max_headers: int) -> Head:
    """Read the head that begins at `start` and is whole, its empty line included.

    Raises `Refusal`, and `IndexError` when there is no empty line.
    """
    line_end = start
    method_end = target_end = start
    while head[line_end] != _CR:
        if head[line_end] == _SPACE:
            if target_end == start:
                method_end = line_end
            target_end = line_end
        line_end += 1
    method = cut(head, start, method_end)
    if method not in _METHODS or target_end == method_end:
        raise Refusal(HTTPStatus.BAD_REQUEST, _malformed(head[start:line_end]))
    version = cut(head, target_end + 1, line_end)
    old = version != b"HTTP/1.1"
    if old and version != b"HTTP/1.0":
        raise _bad_version(head[start:line_end], version)
    begin = method_end + 1
    if head[begin] != _SLASH:
        begin = _path_begin(head, begin, target_end)
    question = _path_end(head, begin, target_end)
    path = cut(head, begin, question)
    query = cut(head, min(question + 1, target_end), target_end)
    read = Head(method, path.decode("ascii"), query, old)
    _read_fields(read, head, line_end, max_headers)
    _check(read, read.headers)
    return read


def _path_end(head: bytes, at: int, end: int) -> int:
    """Where the question mark stands in a target, or its end; every byte of it is checked."""
    question = end
    while at < end:
        byte = head[at]
        if byte <= 0x20 or byte >= 0x7F:
            raise Refusal(HTTPStatus.BAD_REQUEST, _bad_target(byte))
        if byte == _HASH:
            raise Refusal(HTTPStatus.BAD_REQUEST, "the request target is no path")
        if byte == _QUESTION and question == end:
            question = at
        at += 1
    return question


def _read_fields(read: Head, head: bytes, at: int, max_headers: int) -> None:
    """Read the header fields into `read`; `at` is where the request line's CR stands."""
    headers = read.headers
    count = 0
    while True:
        if head[at] != _CR or head[at + 1] != _LF:
            raise Refusal(HTTPStatus.BAD_REQUEST, _bad_line(head[at]))
        at += 2
        begin = at
        while _IN_NAME[head[at]]:
            at += 1
        if at == begin and head[at] == _CR and head[at + 1] == _LF:
            read.end = at + 2
            return
        if at == begin or head[at] != _COLON:
            raise Refusal(HTTPStatus.BAD_REQUEST, _bad_name(head[begin]))
        spelled = cut(head, begin, at)
        at += 1
        while head[at] == _SPACE or head[at] == _TAB:
            at += 1
        begin = at
        while _IN_VALUE[head[at]]:
            at += 1
        count += 1
        if count > max_headers:
            detail = f"more than {max_headers} header lines"
            raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
        _put(headers, spelled, cut(head, begin, at))


def _put(headers: dict[bytes, bytes], spelled: bytes, value: bytes) -> None:
    name = _KNOWN.get(spelled)
    if name is None:
        name = spelled.lower()
    if name in headers:
        if name in _SINGLE:
            detail = "Host, Content-Length or Content-Type is repeated"
            raise Refusal(HTTPStatus.BAD_REQUEST, detail)
        headers[name] += _SEPARATOR.get(name, b", ") + value
    elif b"_" not in name:
        headers[name] = value


def _check(read: Head, headers: dict[bytes, bytes]) -> None:
    """Check the fields that say how the request is framed, and set what follows from them."""
    host = headers.get(b"host")
    if host is None:
        if not read.old:  # RFC 9112, 3.2
            raise Refusal(HTTPStatus.BAD_REQUEST, "Host is missing")
    elif not (_is_host(host) if len(host) <= _SHORT else _HOST.fullmatch(host)):
        raise Refusal(HTTPStatus.BAD_REQUEST, "Host is not valid")
    connection = headers.get(b"connection")
    if connection is not None or read.old:
        read.keep_alive = _stays(connection or b"", read.old)
    length = headers.get(b"content-length")
    if length is not None:
        if not length.isdigit() or len(length) > 19:
            raise Refusal(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
        read.length = int(length)
    coding = headers.get(b"transfer-encoding")
    if coding is not None:
        _check_coding(coding, read.old, length is not None)
        read.chunked = True
    expectation = headers.get(b"expect")
    if expectation is not None and expectation.lower() != b"100-continue":
        detail = "the only expectation met is 100-continue"
        raise Refusal(HTTPStatus.EXPECTATION_FAILED, detail)
    read.special = expectation is not None or b"upgrade" in headers


@lru_cache(1_000)
def _is_host(host: bytes) -> bool:
    """Whether it is a valid `Host`; those that browsers ask for are few."""
    return _HOST.fullmatch(host) is not None


def _stays(connection: bytes, old: bool) -> bool:
    """Whether the connection stays open after the answer (RFC 9112, 9.3)."""
    options = [option.strip(b" \t") for option in connection.lower().split(b",")]
    return b"close" not in options and (not old or b"keep-alive" in options)


def _check_coding(coding: bytes, old: bool, with_length: bool) -> None:
    """RFC 9112, 6.1: what could be read in two ways is refused."""
    if old:
        raise Refusal(HTTPStatus.BAD_REQUEST, "Transfer-Encoding on HTTP/1.0")
    if with_length:
        raise Refusal(HTTPStatus.BAD_REQUEST, "both Transfer-Encoding and Content-Length")
    codings = [name.strip(b" \t") for name in coding.lower().split(b",")]
    if codings[-1] != b"chunked" or b"chunked" in codings[:-1]:
        raise Refusal(HTTPStatus.BAD_REQUEST, "the last transfer coding, and no other, is chunked")
    if len(codings) > 1:
        raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "the only transfer coding taken is chunked")


def _path_begin(head: bytes, begin: int, end: int) -> int:
    """Where the path begins in a target in absolute form (RFC 9112, 3.2.2)."""
    match = _ABSOLUTE.fullmatch(head, begin, end)
    if match is None:
        byte = next((byte for byte in head[begin:end] if byte <= 0x20 or byte >= 0x7F), _SLASH)
        raise Refusal(HTTPStatus.BAD_REQUEST, _bad_target(byte))
    return match.start(1)


def _bad_target(byte: int) -> str:
    if byte == _SPACE:
        return "the request line is not METHOD TARGET HTTP/1.1"
    if byte == _SLASH:
        return "the request target is no path"
    return "the request target has bytes other than visible ASCII; percent-encode them"


def _bad_version(line: bytes, version: bytes) -> Refusal:
    if _VERSION.fullmatch(version):
        detail = "only HTTP/1.1 and 1.0 are spoken"
        return Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, detail)
    return Refusal(HTTPStatus.BAD_REQUEST, _malformed(line))


def _bad_line(byte: int) -> str:
    if byte in (_CR, _LF):
        return "a line ends without CR and LF"
    return "a header's value has a control character"


def _bad_name(byte: int) -> str:
    if byte in (_SPACE, _TAB):
        return "a header line is folded"
    return "a header line is not NAME: VALUE"


def _malformed(line: bytes) -> str:
    """Say what is wrong with a line where it can be told; never with a byte of it."""
    if any(byte > 0x7E for byte in line):
        return "the request line has bytes other than visible ASCII; percent-encode them"
    if not re.search(rb" HTTP/1\.[01]\Z", line):
        return "the request line is not METHOD TARGET HTTP/1.1"
    return "the method is none that is known"
