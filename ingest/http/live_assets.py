"""The files of the live page, under addresses that change with their content."""

from collections.abc import Mapping

import orjson
from rjsmin import jsmin

from ingest.http.reply import NOSNIFF, Header
from ingest.http.static import ASSETS, CSS, JAVASCRIPT, SVG, StaticFile

_KINDS: Mapping[str, Header] = {"js": JAVASCRIPT, "css": CSS, "svg": SVG}
_NAMES = ("live.css", "live.js", "uplot.css", "uplot.js", "world.svg")


class LiveAssets:
    """Script, styles, charts and map."""

    def __init__(self) -> None:
        self.files = {f"/assets/{name}": _file(name) for name in _NAMES}
        """By path."""
        self.addresses = {
            path.rpartition("/")[2]: f"{path}?v={file.name}" for path, file in self.files.items()
        }
        """By the file's name; a browser never mixes files of two releases."""


def country_names() -> Mapping[str, str]:
    """Return English names by ISO 3166-1 code."""
    names: dict[str, str] = orjson.loads((ASSETS / "countries.json").read_bytes())
    return names


def _file(name: str) -> StaticFile:
    body = (ASSETS / name).read_bytes()
    if name == "live.js":
        body = str(jsmin(body.decode())).encode()
    return StaticFile(body, _KINDS[name.rpartition(".")[2]], (NOSNIFF,))
