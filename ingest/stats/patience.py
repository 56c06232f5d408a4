"""Waiting for a Kafka client, which may not answer, or be cancelled inside."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiokafka.errors import KafkaError

from ingest.log.sink import SinkError

ANSWER = 5.0
"""Seconds that a broker has to answer."""
UNREACHABLE = (KafkaError, SinkError, OSError, TimeoutError, AssertionError)
"""What a client raises while Kafka is away."""
T = TypeVar("T")


async def answered(call: Coroutine[Any, Any, T], seconds: float) -> T:
    """Wait for a call, in a task of its own. Raises what it raises, and `TimeoutError`.

    aiokafka lets `CancelledError` of its inner tasks out when a broker is gone (seen in `stop`
    and `end_offsets`): awaited directly, it would look as if we had been cancelled, and end us.
    """
    task = asyncio.ensure_future(call)
    try:
        await asyncio.wait((task,), timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
    if not task.done() or task.cancelled():
        raise TimeoutError
    return task.result()


async def stopped(call: Coroutine[Any, Any, None], seconds: float) -> None:
    """Wait for a client's `stop`; that it failed is of no interest."""
    with contextlib.suppress(Exception):
        await answered(call, seconds)
