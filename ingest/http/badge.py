"""The free widget's picture, and the same number for shields.io."""

import orjson

UNKNOWN = "–"
"""Stands for a number that is not known."""
_FONT = "Verdana,DejaVu Sans,sans-serif"


def svg(number: int | None) -> bytes:
    """Draw the badge: how many are online."""
    text = UNKNOWN if number is None else f"{number:,}"
    left = 14 + 7 * len(text)
    width = left + 50
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" '
        f'aria-label="{text} online"><title>{text} online</title>'
        f'<rect width="{width}" height="20" rx="3" fill="#555"/>'
        f'<rect width="{left}" height="20" rx="3" fill="#2a7d2e"/>'
        f'<g fill="#fff" font-family="{_FONT}" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14">{text}</text>'
        f'<text x="{left + 24}" y="14">online</text></g></svg>'
    ).encode()


def shields(number: int | None) -> bytes:
    """Answer in shields.io's endpoint format."""
    message = UNKNOWN if number is None else f"{number:,}"
    return orjson.dumps({"schemaVersion": 1, "label": "online", "message": message})
