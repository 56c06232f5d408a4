"""Waiting for a condition instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE = 0.02


def until(condition: Callable[[], T], timeout: float = 20.0, what: str = "") -> T:
    """Call `condition` until it returns something true, and return that.

    Raises `AssertionError` naming `what` after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(_late(condition, timeout, what))
        time.sleep(_PAUSE)
    return result


async def until_async(
    condition: Callable[[], T | Awaitable[T]], timeout: float = 20.0, what: str = ""
) -> T:
    """Do the same without blocking the event loop; `condition` may be a coroutine function."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(_late(condition, timeout, what))
        await asyncio.sleep(_PAUSE)


def _late(condition: Callable[[], object], timeout: float, what: str) -> str:
    return (
        f"still waiting after {timeout} s for {what or getattr(condition, '__name__', condition)}"
    )
