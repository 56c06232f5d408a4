"""One request's head, read in one pass and checked strictly (RFC 9112). Compiled: head.pxd."""

import re
import sys
from collections.abc import Mapping
from http import HTTPStatus

from ingest.beacon.cut import cut
from ingest.beacon.hit import RequestHead
from ingest.beacon.known import (
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    HOST,
    NAMES,
    TRANSFER_ENCODING,
    UPGRADE,
    mask,
    recognise,
)
from ingest.beacon.scan import query_span, same, span, value_span

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
_SEPARATOR = {b"cookie": b"; "}
_SINGLE = mask((HOST, CONTENT_LENGTH, CONTENT_TYPE))
_FRAMING = mask((CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT, UPGRADE))
_ANY_NUMBER = sys.maxsize
_LONGEST_BODY = 1 << 62
"""What a `Content-Length` above it counts as: neither is ever taken."""
_GET, _POST = b"GET", b"POST"
_HTTP_1_1, _HTTP_1_0 = b"HTTP/1.1", b"HTTP/1.0"

_CR, _LF, _SPACE, _TAB, _COLON, _HASH, _QUESTION, _SLASH = b"\r\n \t:#?/"
_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IN_NAME = bytes(byte in _TOKEN for byte in range(256))
"""RFC 9110, 5.6.2: whether a byte may stand in a field's name."""
_IN_PATH = bytes(0x20 < byte < 0x7F and byte not in b"?#" for byte in range(256))
_IN_PORT = bytes(0x30 <= byte <= 0x39 for byte in range(256))
_IN_HOST = bytes(_HOST.fullmatch(bytes((byte,))) is not None for byte in range(256))
"""Whether a byte may stand in a name that is a `Host`."""


class Refusal(Exception):
    """A request that is answered by the gate itself; the message says why."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Head(RequestHead):
    """What a request's head says, as the gate reads it; made by `parse_head`."""

    raw: bytes
    """The head's bytes, and nothing else."""
    old: bool
    """HTTP/1.0: the answer says whether the connection stays."""
    keep_alive: bool
    length: int
    """Bytes of the body by `Content-Length`."""
    chunked: bool
    special: bool
    """`Expect` or `Upgrade`: not for the fast lane."""
    end: int
    """Where the bytes behind it begin."""
    _path_begin: int
    _path_end: int
    _line_end: int
    _repeated: int
    """A bit for each known field that was sent more than once."""
    _text: str | None
    _all: dict[bytes, bytes] | None

    def whole_path(self) -> str:
        """As sent, without the query."""
        text = self._text
        if text is None:
            path = cut(self.raw, self._path_begin, self._path_end)
            self._text = text = path.decode("ascii")
        return text

    def has_path(self, path: bytes) -> bool:
        """Whether that is its path, of which no text is made."""
        return same(self.raw, self._path_begin, self._path_end, path)

    def all(self) -> Mapping[bytes, bytes]:
        """Names in lower case, repeated fields joined; names with an underscore left out, since
        other servers on the way may take `x_forwarded_for` for `x-forwarded-for`."""
        if self._all is None:
            headers: dict[bytes, bytes] = {}
            _read_fields(self, self.raw, self._line_end, _ANY_NUMBER, headers)
            self._all = headers
        return self._all

    def _note(self, known: int, begin: int, end: int) -> None:
        """Keep where a known field's value stands."""
        if not self.has(known):
            self.place(known, begin, end)
            return
        bit = 1 << known
        if bit & _SINGLE:
            detail = "Host, Content-Length or Content-Type is repeated"
            raise Refusal(HTTPStatus.BAD_REQUEST, detail)
        self._repeated |= bit

    def _keep(self, head: bytes, start: int, end: int) -> None:
        """Keep the head's own bytes of those in which it was read."""
        self.end = end
        self.raw = self.text = head if start == 0 and end == len(head) else cut(head, start, end)
        if start > 0:
            self._path_begin -= start
            self._path_end -= start
            self._line_end -= start
            for known in range(len(NAMES)):
                if self.has(known):
                    self.place(known, self.begin_of(known) - start, self.end_of(known) - start)
        if self._repeated:
            self._join()

    def _join(self) -> None:
        """Set the values of repeated fields to what `all` joins them to."""
        for known, name in enumerate(NAMES):
            if self._repeated >> known & 1:
                self.append(known, self.all()[name])

    def _has_plain_host(self) -> bool:
        """Whether its host is certainly valid at a glance: a name or IPv4, and at most a port."""
        begin, end = self.begin_of(HOST), self.end_of(HOST)
        at = span(self.raw, begin, _IN_HOST)
        if at < end and self.raw[at] == _COLON and end - at <= 6:
            return at > begin and span(self.raw, at + 1, _IN_PORT) == end
        return at == end and at > begin


def _empty_head() -> Head:
    """A head of which nothing is read. Compiled, without a constructor's call."""
    head = Head.__new__(Head)
    head.clear()
    head.raw = b""
    head.old = head.chunked = head.special = False
    head.keep_alive = True
    head.length = head.end = 0
    head._path_begin = head._path_end = head._line_end = head._repeated = 0
    head._text = head._all = None
    return head


def parse_head(head: bytes, start: int, max_headers: int) -> Head:
    """Read the head that begins at `start` and is whole, its empty line included.

    Raises `Refusal`, and `IndexError` when there is no empty line.
    """
    read = _empty_head()
    if not _glance(read, head, start):
        _read_line(read, head, start)
    end = _read_fields(read, head, read._line_end, max_headers, None)
    read._keep(head, start, end)
    _check(read)
    return read


def _glance(read: Head, head: bytes, start: int) -> bool:
    """Read a request line that is certainly as it should be; False leaves it to `_read_line`."""
    method_end = span(head, start, _IN_NAME)
    begin = method_end + 1
    if head[method_end] != _SPACE or head[begin] != _SLASH:
        return False
    question = target_end = span(head, begin, _IN_PATH)
    if head[question] == _QUESTION:
        target_end = query_span(head, question + 1)
    line_end = target_end + 9
    if line_end >= len(head) or head[target_end] != _SPACE or head[line_end] != _CR:
        return False
    if not same(head, target_end + 1, line_end, _HTTP_1_1):
        return False
    if same(head, start, method_end, _GET):
        read.method = _GET
    elif same(head, start, method_end, _POST):
        read.method = _POST
    else:
        return False
    read._path_begin, read._path_end, read._line_end = begin, question, line_end
    read.query = cut(head, min(question + 1, target_end), target_end)
    return True


def _read_line(read: Head, head: bytes, start: int) -> None:
    """Read the request line into `read`."""
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
    read.old = version != _HTTP_1_1
    if read.old and version != _HTTP_1_0:
        raise _bad_version(head[start:line_end], version)
    begin = method_end + 1
    if head[begin] != _SLASH:
        begin = _path_begin(head, begin, target_end)
    question = _path_end(head, begin, target_end)
    read.method = method
    read._path_begin, read._path_end, read._line_end = begin, question, line_end
    read.query = cut(head, min(question + 1, target_end), target_end)


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


def _read_fields(
    read: Head, head: bytes, at: int, max_headers: int, headers: dict[bytes, bytes] | None
) -> int:
    """Read the header fields, and return where they end; `at` is the request line's CR.

    Into `headers` all of them, or without it into `read` where the known ones stand: no object
    is made of a field that nobody asks for.
    """
    count = 0
    while True:
        if head[at] != _CR or head[at + 1] != _LF:
            raise Refusal(HTTPStatus.BAD_REQUEST, _bad_line(head[at]))
        begin = at + 2
        at = name_end = span(head, begin, _IN_NAME)
        if at == begin and head[at] == _CR and head[at + 1] == _LF:
            return at + 2
        if at == begin or head[at] != _COLON:
            raise Refusal(HTTPStatus.BAD_REQUEST, _bad_name(head[begin]))
        at += 1
        while head[at] == _SPACE or head[at] == _TAB:
            at += 1
        value = at
        at = value_span(head, value)
        count += 1
        if count > max_headers:
            detail = f"more than {max_headers} header lines"
            raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
        if headers is not None:
            _put(headers, cut(head, begin, name_end).lower(), cut(head, value, at))
            continue
        known = recognise(head, begin, name_end)
        if known >= 0:
            read._note(known, value, at)


def _put(headers: dict[bytes, bytes], name: bytes, value: bytes) -> None:
    if name in headers:
        headers[name] += _SEPARATOR.get(name, b", ") + value
    elif b"_" not in name:
        headers[name] = value


def _check(read: Head) -> None:
    """Check the fields that say how the request is framed, and set what follows from them."""
    if not read.seen & 1 << HOST:
        if not read.old:  # RFC 9112, 3.2
            raise Refusal(HTTPStatus.BAD_REQUEST, "Host is missing")
    elif not read._has_plain_host() and not _HOST.fullmatch(read.value(HOST) or b""):
        raise Refusal(HTTPStatus.BAD_REQUEST, "Host is not valid")
    if read.old or read.seen & _FRAMING:
        _check_framing(read)


def _check_framing(read: Head) -> None:
    connection = read.value(CONNECTION)
    if connection is not None or read.old:
        read.keep_alive = _stays(connection or b"", read.old)
    length = read.value(CONTENT_LENGTH)
    if length is not None:
        if not length.isdigit() or len(length) > 19:
            raise Refusal(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
        read.length = min(int(length), _LONGEST_BODY)
    coding = read.value(TRANSFER_ENCODING)
    if coding is not None:
        _check_coding(coding, read.old, length is not None)
        read.chunked = True
    expectation = read.value(EXPECT)
    if expectation is not None and expectation.lower() != b"100-continue":
        detail = "the only expectation met is 100-continue"
        raise Refusal(HTTPStatus.EXPECTATION_FAILED, detail)
    read.special = expectation is not None or read.value(UPGRADE) is not None


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
