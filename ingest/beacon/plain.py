"""The fields that need only a check, written into the event.

A query gives bytes. What is good for certain is written as it stands; all else goes by the field's
own rule, as do a body's values.
"""

from typing import Final

from ingest.beacon.event_text import EventText
from ingest.beacon.fields import FIELDS, Field, Reader, is_page_id
from ingest.beacon.remembered import Remembered

_REMEMBERED = 1_000
_SHORT = 64
"""Bytes of a value that is remembered at most."""
_ZERO, _NINE = b"09"
_LONGEST = 18
"""Digits of a number that is looked at."""


class Plain:
    """One such field."""

    __slots__ = ("_key", "_name", "_read", "number")

    def __init__(self, number: int, field: Field, read: Reader) -> None:
        self.number = number
        """Where its value stands in the list of all."""
        self._name = field.name
        self._read = read
        self._key = f',"{field.name}":'.encode()

    def put(self, value: object, text: EventText, dropped: list[str]) -> None:
        """Write the field, or name it in `dropped` where its value is bad."""
        if type(value) is bytes:
            if self.put_certain(value, text):
                return
            value = value.decode("utf-8", "replace")
        self.put_read(value, text, dropped)

    def put_certain(self, value: bytes, text: EventText) -> bool:
        """Write what is good at a glance, or return False."""
        return False

    def put_read(self, value: object, text: EventText, dropped: list[str]) -> None:
        """Write the field by its rule."""
        good = self._read(value)
        if good is None:
            dropped.append(self._name)
        else:
            text.put(self._key)
            text.put_value(good)


class PageId(Plain):
    """A page view's name."""

    __slots__ = ()

    def put_certain(self, value: bytes, text: EventText) -> bool:
        """Write a good one."""
        if not is_page_id(value):
            return False
        text.put(self._key)
        text.put_quoted(value, 0, len(value))
        return True


class Whole(Plain):
    """A number, written as it stands where it is whole and has no zeros before it."""

    __slots__ = ("_high", "_low")

    def __init__(self, number: int, field: Field, read: Reader, bounds: tuple[int, int]) -> None:
        super().__init__(number, field, read)
        self._low, self._high = bounds

    def put_certain(self, value: bytes, text: EventText) -> bool:
        """Write a good one."""
        size = len(value)
        if not 0 < size <= _LONGEST or (value[0] == _ZERO and size > 1):
            return False
        number = 0
        for byte in value:
            if not _ZERO <= byte <= _NINE:
                return False
            number = 10 * number + (byte - _ZERO)
        if not self._low <= number <= self._high:
            return False
        text.put(self._key)
        text.put(value)
        return True


class Few(Plain):
    """A text of which there are not many, such as a language: the written field is remembered."""

    __slots__ = ("_made",)

    def __init__(self, number: int, field: Field, read: Reader) -> None:
        super().__init__(number, field, read)
        self._made = Remembered(self._make, _REMEMBERED)

    def put_certain(self, value: bytes, text: EventText) -> bool:
        """Write a good one that is short."""
        if len(value) > _SHORT:
            return False
        made: bytes = self._made.get(value)
        text.put(made)
        return made != b""

    def _make(self, value: bytes) -> bytes:
        text = EventText()
        self.put_read(value.decode("utf-8", "replace"), text, [])
        return text.take()


def _plain(number: int, field: Field, read: Reader) -> Plain:
    if field.name == "page_id":
        return PageId(number, field, read)
    if field.bounds is not None:
        return Whole(number, field, read, field.bounds)
    return Few(number, field, read)


_PLAIN: Final = tuple(
    _plain(number, field, field.read)
    for number, field in enumerate(FIELDS)
    if field.read is not None and field.name != "age_ms"
)


def put_plain(values: list[object], text: EventText, dropped: list[str]) -> None:
    """Write the fields that are given; name the bad ones in `dropped`."""
    for field in _PLAIN:
        value = values[field.number]
        if value is not None:
            field.put(value, text, dropped)
