"""The fields of events, as HTML: read from the schemas, which declare them."""

import json
import re
from collections.abc import Collection
from html import escape
from pathlib import Path
from typing import Any, Final

_ASSETS: Final = Path(__file__).parent / "assets"
_CODE = re.compile(r"`([^`]+)`")


def event_fields(without: Collection[str]) -> str:
    """Return a list of what an event has, but for some that this server never fills in."""
    return _fields("event.v1.json", without)


def rejected_fields(without: Collection[str]) -> str:
    """Return a list of what is kept of a rejected event."""
    return _fields("rejected.v1.json", without)


def _fields(schema: str, without: Collection[str]) -> str:
    fields: dict[str, Any] = json.loads((_ASSETS / schema).read_text("utf-8"))["properties"]
    return "".join(
        f"<dt><code>{escape(name)}</code></dt><dd>{_html(field['description'])}</dd>"
        for name, field in fields.items()
        if name not in without
    )


def _html(description: str) -> str:
    """The schemas' descriptions set names in backticks."""
    return _CODE.sub(r"<code>\1</code>", escape(description, quote=False))
