"""Log lines of the server itself: an event's name and its fields, never a visitor's data.

On a terminal they are text to read; elsewhere one JSON object a line, ready for a log collector.
"""

import asyncio
import logging
import re
import sys
import time
import traceback
from types import TracebackType
from typing import Any, TextIO

import orjson

from ingest.config import LogFormat, Logs

_FIELDS = "fields"
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def setup(config: Logs, stream: TextIO = sys.stderr) -> None:
    """Send every log line of the process to `stream`, shaped as `logs.format` says."""
    as_json = config.format is LogFormat.JSON or (
        config.format is LogFormat.AUTO and not stream.isatty()
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if as_json else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())
    # asyncio's and aiohttp's own lines name peers and raw requests: ours say what matters.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
    # aiokafka repeats each lost connection for each node; `log.kafka` reports changes of state.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def say(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """Log `event` with its fields, such as `say(logger, INFO, "listening", url=…)`."""
    logger.log(level, event, extra={_FIELDS: fields})


def catch_unhandled(loop: asyncio.AbstractEventLoop) -> None:
    """Log exceptions that nobody took, without the transport: its repr names the peer."""
    loop.set_exception_handler(_unhandled)


def _unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    # "Exception in callback f(…) at …": what a callback was called with may be a visitor's bytes.
    message = re.split(r"[(<{\['\"]", str(context.get("message", "")), maxsplit=1)[0].rstrip()
    fields = {"message": message}
    exc_info = (type(error), error, error.__traceback__) if error is not None else None
    logging.getLogger("ingest").error("unhandled", exc_info=exc_info, extra={_FIELDS: fields})


class JsonLines(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `event`, then the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its newline."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = _error(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextLines(logging.Formatter):
    """`12:34:56 warning event field=value`, for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its newline, a traceback below it."""
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        clock = _time(record)[11:19]
        line = f"{clock} {record.levelname.lower():7} {record.getMessage()}{fields}"
        if record.exc_info and record.exc_info[0] is not None:
            line += "\n" + _error(record.exc_info)
        return line


def _time(record: logging.LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}Z"


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = getattr(record, _FIELDS, None)
    return fields if isinstance(fields, dict) else {}


def _error(exc_info: Any) -> str:
    """The traceback's places and the exception's type: its message may hold a visitor's bytes."""
    kind, _, trace = exc_info
    places = (
        f"{frame.filename.rpartition('ingest/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)
    )
    return f"{kind.__module__}.{kind.__qualname__} at " + " < ".join(reversed(list(places)))
