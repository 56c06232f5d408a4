"""The loop that the server runs on."""

from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], object]]:
    """Every coroutine here runs on uvloop, as the server does."""
    return {"uvloop": uvloop.new_event_loop}
