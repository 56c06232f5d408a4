"""A bounded memory of what was worked out before."""

from collections.abc import Callable, Hashable
from typing import Any


class Remembered:
    """Values by key, at most `most`; when it is full, all that was not used lately is forgotten.

    Two dicts, of which the older is let go: no order to keep up at each look, as `lru_cache` has.
    Not generic, since a compiled class has no base that is not compiled.
    """

    __slots__ = ("_make", "_most", "_older", "_recent")

    def __init__(self, make: Callable[[Any], Any], most: int) -> None:
        """`make` works out a key's value."""
        self._make = make
        self._most = max(most // 2, 1)
        self._recent: dict[Hashable, Any] = {}
        self._older: dict[Hashable, Any] = {}

    def get(self, key: Hashable) -> Any:
        """Return the value of a key. Raises what `make` raises; None is not remembered."""
        value = self._recent.get(key)
        if value is not None:
            return value
        value = self._older.pop(key, None)
        if value is None:
            value = self._make(key)
            if value is None:
                return None
        if len(self._recent) >= self._most:
            self._recent, self._older = {}, self._recent
        self._recent[key] = value
        return value

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)
