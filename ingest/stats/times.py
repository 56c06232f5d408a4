"""Times as events write them, read back."""

from datetime import UTC, datetime

_MINUTES_KEPT = 4_096


class Clock:
    """Reads `2026-01-02T03:04:05.678Z`; each minute's text is read once."""

    def __init__(self) -> None:
        self._minutes: dict[str, int] = {}
        self._minute = ""
        """The last one asked for, and where it begins: events come in the order of time."""
        self._start = 0

    def milliseconds(self, text: str) -> int:
        """Epoch milliseconds. Raises `ValueError` for another form."""
        if len(text) != 24 or text[19] != "." or text[23] != "Z":
            raise ValueError("no time")
        minute = text[:17]
        if minute != self._minute:
            self._start = self._begin(minute)
            self._minute = minute
        return self._start + 1_000 * _number(text, 17, 19) + _number(text, 20, 23)

    def _begin(self, minute: str) -> int:
        start = self._minutes.get(minute)
        if start is None:
            if len(self._minutes) >= _MINUTES_KEPT:
                self._minutes.clear()
            read = datetime.strptime(minute, "%Y-%m-%dT%H:%M:").replace(tzinfo=UTC)
            start = self._minutes[minute] = int(read.timestamp()) * 1000
        return start


def _number(text: str, begin: int, end: int) -> int:
    number = 0
    for at in range(begin, end):
        digit = ord(text[at]) - 48
        if not 0 <= digit <= 9:
            raise ValueError("no time")
        number = 10 * number + digit
    return number
