"""Finding the end of an answer, and what it says."""

import re
from enum import Enum
from typing import NamedTuple

import httptools

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CLOSING = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_OUTCOME = re.compile(rb"\r\nbeacon-outcome: *([a-z-]+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_BODILESS = (b"204", b"304")


class Answer(NamedTuple):
    """An answer that is whole."""

    status: bytes
    outcome: bytes
    """`Beacon-Outcome`, empty where there is none."""
    closing: bool
    """Whether the server announced to close the connection."""


class Part(Enum):
    """What is no whole answer."""

    INCOMPLETE = 1
    BROKEN = 2


def read(data: bytes) -> Answer | Part:
    """Read one answer from all that came since the request."""
    head_end = data.find(_HEAD_END)
    if head_end < 0:
        return Part.INCOMPLETE
    if not data.startswith(b"HTTP/1."):
        return Part.BROKEN
    status = data[9:12]
    length = _LENGTH.search(data, 0, head_end + 2)
    if length is not None:
        if len(data) < head_end + 4 + int(length[1]):
            return Part.INCOMPLETE
    elif status not in _BODILESS and not (whole := _chunked(data)):
        return Part.INCOMPLETE if whole is not None else Part.BROKEN
    outcome = _OUTCOME.search(data, 0, head_end + 2)
    closing = _CLOSING.search(data, 0, head_end + 2) is not None
    return Answer(status, outcome[1] if outcome else b"", closing)


class _End:
    reached = False

    def on_message_complete(self) -> None:
        self.reached = True


def _chunked(data: bytes) -> bool | None:
    """Whether an answer without a length is whole; None if it never will be."""
    end = _End()
    try:
        httptools.HttpResponseParser(end).feed_data(data)
    except httptools.HttpParserError:
        return None
    return end.reached
