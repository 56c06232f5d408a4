"""Log lines: their shape, and that nothing of a visitor gets into them."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import uvloop

from ingest.config import LogFormat, Logs
from ingest.logs import catch_unhandled, say, setup

SECRET = "198.51.100.77 optout=0"
"""Stands for what a visitor sent, in an exception's message."""
LOGGER = logging.getLogger("ingest.test")
FOREIGN = ("asyncio", "aiohttp", "aiohttp.server", "aiokafka", "kafka")


class Terminal(io.StringIO):
    """A stream to which somebody looks."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in FOREIGN}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _fail() -> None:
    raise ValueError(SECRET)


def _log_a_failure() -> None:
    try:
        _fail()
    except ValueError:
        LOGGER.exception("collecting failed")


def test_off_a_terminal_a_line_is_one_json_object():
    stream = io.StringIO()
    setup(Logs(), stream)
    say(LOGGER, logging.INFO, "listening", url="http://a", port=1, path=None)
    (line,) = _lines(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "info",
        "logger": "ingest.test",
        "event": "listening",
        "url": "http://a",
        "port": 1,
        "path": None,
    }


def test_on_a_terminal_it_is_text():
    stream = Terminal()
    setup(Logs(), stream)
    say(LOGGER, logging.WARNING, "kafka away", reason="connection refused")
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d warning kafka away reason=connection refused\n", stream.getvalue()
    )


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["pipe", "terminal"])
@pytest.mark.parametrize("form", [LogFormat.JSON, LogFormat.TEXT])
def test_the_format_can_be_fixed(stream, form):
    stream.truncate(0)
    stream.seek(0)
    setup(Logs(format=form), stream)
    say(LOGGER, logging.INFO, "listening")
    assert stream.getvalue().startswith("{") == (form is LogFormat.JSON)


def test_the_level_is_kept():
    stream = io.StringIO()
    setup(Logs(level="warning"), stream)
    say(LOGGER, logging.INFO, "no")
    say(LOGGER, logging.WARNING, "yes")
    assert [line["event"] for line in _lines(stream)] == ["yes"]


def test_what_is_not_json_is_written_as_text():
    stream = io.StringIO()
    setup(Logs(), stream)
    say(LOGGER, logging.INFO, "odd", value={1}, raw=b"x")
    (line,) = _lines(stream)
    assert (line["value"], line["raw"]) == ("{1}", "b'x'")


def test_a_newline_does_not_begin_a_line():
    stream = io.StringIO()
    setup(Logs(), stream)
    say(LOGGER, logging.INFO, "listening", reason='a\n{"event":"forged"}')
    assert len(_lines(stream)) == 1


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal], ids=["json", "text"])
def test_an_exception_is_its_type_and_places_not_its_message(stream_type):
    stream = stream_type()
    setup(Logs(), stream)
    _log_a_failure()
    text = stream.getvalue()
    assert SECRET not in text
    assert "builtins.ValueError at " in text
    assert re.search(r"test_logs\.py:\d+ _fail < \S+test_logs\.py:\d+ _log_a_failure", text)


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal], ids=["json", "text"])
def test_nor_the_messages_of_what_caused_it(stream_type):
    stream = stream_type()
    setup(Logs(), stream)
    try:
        try:
            _fail()
        except ValueError as error:
            raise RuntimeError(f"again: {SECRET}") from error
    except RuntimeError:
        LOGGER.exception("failed")
    assert SECRET not in stream.getvalue()
    assert "builtins.RuntimeError" in stream.getvalue()


@pytest.mark.parametrize("name", FOREIGN)
def test_lines_of_libraries_that_name_peers_are_silent(name):
    stream = io.StringIO()
    setup(Logs(level="debug"), stream)
    logging.getLogger(name).error("Error handling request from %s", SECRET)
    assert stream.getvalue() == ""


async def test_what_nobody_caught_is_logged_without_its_transport():
    stream = io.StringIO()
    setup(Logs(), stream)
    loop = asyncio.get_running_loop()
    catch_unhandled(loop)
    loop.call_exception_handler(
        {"message": "Fatal error", "exception": ValueError(SECRET), "transport": SECRET}
    )
    loop.call_exception_handler({"message": "without an exception", "peername": SECRET})
    first, second = _lines(stream)
    assert (first["event"], first["message"]) == ("unhandled", "Fatal error")
    assert first["error"].startswith("builtins.ValueError")
    assert second["message"] == "without an exception"
    assert "error" not in second
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("wrap", [lambda f: f, partial], ids=["function", "partial"])
def test_a_callback_that_fails_shows_none_of_its_arguments(new_loop, wrap):
    """asyncio's own message shows what the callback was to be called with."""
    stream = io.StringIO()
    setup(Logs(), stream)

    def callback(_data: str) -> None:
        _fail()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        catch_unhandled(loop)
        loop.call_soon(wrap(callback), SECRET)
        loop.call_soon(partial(callback, SECRET))
        await asyncio.sleep(0.01)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(run())
    lines = _lines(stream)
    assert [line["event"] for line in lines] == ["unhandled"] * 2
    assert all(line["message"].startswith("Exception in callback") for line in lines)
    assert SECRET not in stream.getvalue()


async def test_a_task_that_nobody_awaited_shows_no_message():
    stream = io.StringIO()
    setup(Logs(), stream)
    loop = asyncio.get_running_loop()
    catch_unhandled(loop)

    async def failing(_data: str) -> None:
        _fail()

    task = asyncio.create_task(failing(SECRET))
    await asyncio.sleep(0)
    del task
    await asyncio.sleep(0)
    (line,) = _lines(stream)
    assert line["event"] == "unhandled"
    assert SECRET not in stream.getvalue()
