"""How a badge is to look: what its address may ask for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ingest.beacon.query import read_query
from ingest.beacon.sanitise import clean

_NAMES: Mapping[str, str] = {name: name for name in ("style", "label", "color")}
_LABEL = "online"
_LABEL_LIMIT = 40
_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_COLORS: Mapping[str, str] = {
    "brightgreen": "#44cc11",
    "green": "#2a7d2e",
    "yellowgreen": "#a4a61d",
    "yellow": "#dfb317",
    "orange": "#fe7d37",
    "red": "#c4362b",
    "blue": "#0b6bcb",
    "purple": "#7b3fb5",
    "pink": "#d6336c",
    "grey": "#555555",
    "gray": "#555555",
    "black": "#111111",
}
"""Names that may be given for a colour; those of shields.io and a few more."""


class Style(StrEnum):
    """The styles, as the address names them."""

    CLASSIC = "classic"
    """Number, then label; rounded, with a shine."""
    SMALL = "small"
    """The number alone."""
    FLAT = "flat"
    """Label, then number, as badges of projects are."""
    DARK = "dark"
    """A dot, the number and the label, for dark pages."""


_STYLES: Mapping[str, Style] = {style.value: style for style in Style}


@dataclass(frozen=True, slots=True)
class Look:
    """How one badge looks."""

    style: Style = Style.CLASSIC
    label: str = _LABEL
    color: str | None = None
    """`#rrggbb`; None: the style's own."""


DEFAULT = Look()


def read_look(query: bytes) -> Look:
    """Read `style`, `label` and `color`; one that is bad or missing is its default."""
    if b"l" not in query:  # each of the three has one: most badges ask for nothing
        return DEFAULT
    given = read_query(query, _NAMES).values
    if not given:
        return DEFAULT
    style = str(given.get("style", "")).lower()
    return Look(
        _STYLES.get(style, Style.CLASSIC),
        _label(str(given.get("label", ""))),
        _color(str(given.get("color", ""))),
    )


def _label(text: str) -> str:
    """Printable characters only: others are no XML, or turn what stands beside them around."""
    printable = "".join(character for character in text if character.isprintable())
    return clean(" ".join(printable.split()), _LABEL_LIMIT).value or _LABEL


def _color(text: str) -> str | None:
    known = _COLORS.get(text.lower())
    if known is not None:
        return known
    match = _HEX.fullmatch(text)
    if match is None:
        return None
    digits = match[1].lower()
    return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == 3 else digits)
