"""The Pro widget's script, `/w.js`: made once at the start, kept by browsers for a day."""

import orjson
from rjsmin import jsmin

from ingest.config import Widget
from ingest.http import cors
from ingest.http.reply import ANY_SITE, NOSNIFF
from ingest.http.static import ASSETS, JAVASCRIPT, StaticFile

SCRIPT_PATH = "/w.js"


def script(names: Widget) -> bytes:
    """Return the script without its comments, sending to the paths of the configuration."""
    source = (ASSETS / "w.js").read_text(encoding="utf-8")
    for placeholder, path in (("__EVENTS__", names.endpoint_path), ("__PIXEL__", names.pixel_path)):
        source = source.replace(placeholder, orjson.dumps(path).decode())
    return str(jsmin(source)).encode()


def widget_file(names: Widget) -> StaticFile:
    """The script as it is served, to any site."""
    return StaticFile(script(names), JAVASCRIPT, (*cors.ANYONE, ANY_SITE, NOSNIFF))
