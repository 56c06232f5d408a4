"""A request's head as llhttp reads it (httptools): another parser, to compare ours with."""

from typing import NamedTuple

import httptools

_SEPARATOR = {b"cookie": b"; "}


class Read(NamedTuple):
    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    keep_alive: bool
    version: str


def read(head: bytes) -> Read | None:
    """Return what it reads; None when it refuses the head."""
    reader = _Reader()
    try:
        reader.parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError:
        return None
    if not reader.complete:
        return None
    parser = reader.parser
    version = parser.get_http_version()
    return Read(parser.get_method(), reader.target, reader.headers, reader.keep_alive, version)


class _Reader:
    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.target = b""
        self.headers: dict[bytes, bytes] = {}
        self.keep_alive = False
        self.complete = False

    def on_url(self, target: bytes) -> None:
        self.target = target

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in self.headers:
            self.headers[name] += _SEPARATOR.get(name, b", ") + value
        elif b"_" not in name:
            self.headers[name] = value

    def on_headers_complete(self) -> None:
        self.keep_alive = self.parser.should_keep_alive()
        self.complete = True
