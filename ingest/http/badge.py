"""The free widget's picture, and the same number for shields.io."""

from collections.abc import Callable
from html import escape
from typing import NamedTuple

import orjson

from ingest.http.look import Look, Style
from ingest.http.text_width import verdana

UNKNOWN = "–"
"""Stands for a number that is not known, or not to be shown."""
NumberFor = Callable[[str], int | None]
"""Finds how many are online on a site; None: not known, or private."""
_FONT = "Verdana,Geneva,DejaVu Sans,sans-serif"
_GREEN = "#2a7d2e"
_GREY = "#444444"
_NIGHT = "#161b22"
_PALE = "#e6edf3"
_BRIGHT = "#3fb950"
_BLACK, _WHITE = "#000000", "#ffffff"
_EXACT_BELOW = 10_000
_UNITS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))


class _Cell(NamedTuple):
    """A coloured box with a text in it."""

    text: str
    fill: str
    size: int
    padding: int

    @property
    def width(self) -> int:
        return round(verdana().of(self.text, self.size)) + 2 * self.padding


def svg(number: int | None, look: Look) -> bytes:
    """Draw the badge: how many are online."""
    title = f"{_exact(number)} {look.label}"
    shown = short(number)
    if look.style is Style.DARK:
        return _dark(f"{shown} {look.label}", title, look.color or _BRIGHT)
    fill = look.color or _GREEN
    if look.style is Style.SMALL:
        return _row((_Cell(shown, fill, 10, 6),), title, height=16, radius=2)
    value, label = _Cell(shown, fill, 11, 7), _Cell(look.label, _GREY, 11, 7)
    if look.style is Style.FLAT:
        return _row((label, value), title, height=20, radius=0)
    return _row((value, label), title, height=22, radius=4, shine=True)


def shields(number: int | None, look: Look) -> bytes:
    """Answer in shields.io's endpoint format (https://shields.io/badges/endpoint-badge)."""
    body = {
        "schemaVersion": 1,
        "label": look.label,
        "message": short(number),
        "color": look.color or _GREEN,
    }
    return orjson.dumps(body)


def short(number: int | None) -> str:
    """Write a number that fits: exact below 10,000, then 12.3k, 123k, 1.2M. Never rounded up."""
    if number is None or number < _EXACT_BELOW:
        return _exact(number)
    unit, letter = next((unit, letter) for unit, letter in _UNITS if number >= unit)
    if number >= 100 * unit:
        return f"{number // unit:,}{letter}"
    tenths = number * 10 // unit
    return f"{tenths // 10}.{tenths % 10}{letter}"


def _exact(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def contrast(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2, 1.4.3), from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink(fill: str) -> str:
    """Black or white, whichever is better to read on `fill`: 4.5 to 1 at the least."""
    return max((_WHITE, _BLACK), key=lambda color: contrast(color, fill))


def _luminance(color: str) -> float:
    shares = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _row(
    cells: tuple[_Cell, ...], title: str, height: int, radius: int, *, shine: bool = False
) -> bytes:
    width = sum(cell.width for cell in cells)
    boxes, texts, left = [], [], 0
    for cell in cells:
        box = f'<rect x="{left}" width="{cell.width}" height="{height}" fill="{cell.fill}"/>'
        boxes.append(box)
        texts.append(_text(cell.text, left + cell.padding, height, cell.size, ink(cell.fill)))
        left += cell.width
    gloss = (
        '<linearGradient id="g" x2="0" y2="1"><stop stop-color="#fff" stop-opacity=".1"/>'
        '<stop offset="1" stop-opacity=".1"/></linearGradient>'
        if shine
        else ""
    )
    over = f'<rect width="{width}" height="{height}" fill="url(#g)"/>' if shine else ""
    clip = f'<clipPath id="c"><rect width="{width}" height="{height}" rx="{radius}"/></clipPath>'
    boxed = f'{gloss}{clip}<g clip-path="url(#c)">{"".join(boxes)}{over}</g>'
    return _whole(width, height, title, boxed + "".join(texts))


def _dark(text: str, title: str, dot: str) -> bytes:
    height, left, size = 22, 22, 11
    width = left + round(verdana().of(text, size)) + 9
    box = (
        f'<rect width="{width}" height="{height}" rx="11" fill="{_NIGHT}"/>'
        f'<circle cx="12" cy="11" r="4" fill="{dot}"/>'
    )
    return _whole(width, height, title, box + _text(text, left, height, size, _PALE))


def _text(text: str, left: int, height: int, size: int, fill: str) -> str:
    """`textLength` makes it fit its box in whatever font there is."""
    width = verdana().of(text, size)
    base = (height + 0.73 * size) / 2  # 0.73: the height of Verdana's capitals and digits
    return (
        f'<text x="{left}" y="{base:.1f}" font-family="{_FONT}" font-size="{size}" '
        f'textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs" fill="{fill}">'
        f"{escape(text)}</text>"
    )


def _whole(width: int, height: int, title: str, body: str) -> bytes:
    name = escape(title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{name}">'
        f"<title>{name}</title>{body}</svg>"
    ).encode()
