"""How wide a text is in Verdana, measured by the table that shields.io draws its badges with."""

from bisect import bisect_right
from functools import cache
from pathlib import Path

import orjson

_TABLE = Path(__file__).parent / "assets" / "verdana-11px.json"
"""Made by vendor/make.mjs: `[first, last, width]` of characters, at 11 pixels."""
_SIZE = 11
_UNKNOWN = 11.0
"""Width of a character that is not in the table: that of most ideographs and pictures."""


class Widths:
    """The table, read."""

    def __init__(self, table: Path = _TABLE) -> None:
        ranges: list[tuple[int, int, float]] = orjson.loads(table.read_bytes())
        self._firsts = [first for first, _, _ in ranges]
        self._lasts = [last for _, last, _ in ranges]
        self._widths = [width for _, _, width in ranges]

    def of(self, text: str, size: int = _SIZE) -> float:
        """Width of `text` in pixels, at a font size of `size` pixels."""
        return sum(self._one(ord(character)) for character in text) * size / _SIZE

    def _one(self, code: int) -> float:
        at = bisect_right(self._firsts, code) - 1
        return self._widths[at] if at >= 0 and code <= self._lasts[at] else _UNKNOWN


@cache
def verdana() -> Widths:
    """Return the one table, read when first asked for."""
    return Widths()
