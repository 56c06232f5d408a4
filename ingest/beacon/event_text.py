# distutils: extra_compile_args = -O3
"""An event's JSON, written straight into one buffer that all events use in turn."""

import orjson

from ingest.beacon import raw
from ingest.beacon.cut import cut_buffer

_dumps = orjson.dumps
_AS_IT_IS = bytes(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in range(256))
"""By byte: whether it stands in a JSON string as it is, for certain."""
_QUOTE, _BACKSLASH, _ZERO = b'"\\0'
_LONGEST_NUMBER = 20
_FIRST_SIZE = 4_096


class EventText:
    """What is written by `put…`, until it is taken.

    Everything that is not plain at a glance is written by orjson: there is one rule of escaping.
    """

    __slots__ = ("_buffer", "_room", "_used")

    def __init__(self) -> None:
        self._buffer = bytearray(_FIRST_SIZE)
        self._room = _FIRST_SIZE
        self._used = 0

    def begin(self) -> None:
        """Forget what was written."""
        self._used = 0

    def take(self) -> bytes:
        """Return what was written."""
        return cut_buffer(self._buffer, self._used)

    def put(self, ready: bytes) -> None:
        """Write a piece of JSON as it is."""
        self.put_part(ready, 0, len(ready))

    def put_part(self, data: bytes, begin: int, end: int) -> None:
        """Write `data[begin:end]`, which must lie within `data`, as it is."""
        if not 0 <= begin <= end <= len(data):
            raise IndexError("part out of range")
        size = end - begin
        if self._used + size > self._room:
            self._make_room(size)
        raw.copy(self._buffer, self._used, data, begin, size)
        self._used += size

    def put_quoted(self, plain: bytes, begin: int, end: int) -> None:
        """Write a string, `plain[begin:end]`, that is known to need no escapes.

        That is printable ASCII without `"` and `\\` (RFC 8259, 7).
        """
        self._put_quote()
        self.put_part(plain, begin, end)
        self._put_quote()

    def put_printable(self, text: bytes, begin: int, end: int) -> None:
        """Write a string, `text[begin:end]`, that is known to be printable ASCII."""
        if not 0 <= begin <= end <= len(text):
            raise IndexError("part out of range")
        source = text
        odd = 0
        for at in range(begin, end):
            odd |= (source[at] == _QUOTE) | (source[at] == _BACKSLASH)
        if not odd:
            self.put_quoted(text, begin, end)
            return
        size = 2 * (end - begin) + 2
        if self._used + size > self._room:
            self._make_room(size)
        to, out = self._used, self._buffer
        out[to] = _QUOTE
        for at in range(begin, end):
            to += 1
            if source[at] == _QUOTE or source[at] == _BACKSLASH:
                out[to] = _BACKSLASH
                to += 1
            out[to] = source[at]
        out[to + 1] = _QUOTE
        self._used = to + 2

    def put_text(self, text: str) -> None:
        """Write a string."""
        size = len(text)
        if self._used + size + 2 > self._room:
            self._make_room(size + 2)
        at, out = self._used, self._buffer
        out[at] = _QUOTE
        for char in text:
            code = ord(char)
            if code > 127 or not _AS_IT_IS[code]:
                self.put_value(text)
                return
            at += 1
            out[at] = code
        out[at + 1] = _QUOTE
        self._used = at + 2

    def put_number(self, number: int) -> None:
        """Write an integer from 0 to 2⁶⁴−1."""
        if self._used + _LONGEST_NUMBER > self._room:
            self._make_room(_LONGEST_NUMBER)
        size, rest = 1, number
        while rest > 9:
            rest //= 10
            size += 1
        begin, out = self._used, self._buffer
        self._used = at = begin + size
        while at > begin:
            at -= 1
            out[at] = _ZERO + number % 10
            number //= 10

    def put_value(self, value: object) -> None:
        """Write anything that JSON can hold."""
        self.put(_dumps(value))

    def _put_quote(self) -> None:
        if self._used == self._room:
            self._make_room(1)
        out = self._buffer
        out[self._used] = _QUOTE
        self._used += 1

    def _make_room(self, size: int) -> None:
        """Make room for so many bytes more: all that writes through a pointer asks for it first."""
        self._buffer.extend(bytes(self._used + size))
        self._room = len(self._buffer)
