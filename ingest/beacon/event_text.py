# distutils: extra_compile_args = -O3
"""An event's JSON, written straight into one buffer that all events use in turn."""

import orjson

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
        size = len(ready)
        if self._used + size > self._room:
            self._make_room(size)
        begin, out, data = self._used, self._buffer, ready
        for at in range(size):
            out[begin + at] = data[at]
        self._used = begin + size

    def put_quoted(self, plain: bytes) -> None:
        """Write a string that is known to need no escapes: printable ASCII, no `"` and `\\`."""
        size = len(plain)
        if self._used + size + 2 > self._room:
            self._make_room(size + 2)
        begin, out, data = self._used + 1, self._buffer, plain
        out[begin - 1] = _QUOTE
        for at in range(size):
            out[begin + at] = data[at]
        out[begin + size] = _QUOTE
        self._used = begin + size + 1

    def put_printable(self, text: bytes) -> None:
        """Write a string that is known to be printable ASCII (RFC 8259, 7)."""
        size = 2 * len(text) + 2
        if self._used + size > self._room:
            self._make_room(size)
        at, out = self._used, self._buffer
        out[at] = _QUOTE
        for byte in text:
            at += 1
            if byte in (_QUOTE, _BACKSLASH):
                out[at] = _BACKSLASH
                at += 1
            out[at] = byte
        out[at + 1] = _QUOTE
        self._used = at + 2

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

    def _make_room(self, size: int) -> None:
        """Make room for so many bytes more: all that writes through a pointer asks for it first."""
        self._buffer.extend(bytes(self._used + size))
        self._room = len(self._buffer)
