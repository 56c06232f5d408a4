"""How much memory the requests take up that are not answered yet, and whether that is enough."""

from typing import Final

from ingest.http.head import Head

_REQUEST: Final = 4_096
"""Bytes of our objects around one request that waits; measured, as is what is below."""
_HEAD_COPIES: Final = 4
"""A head is kept as bytes, with the values of repeated fields behind them as bytes once more, and
for who asks for all of its fields as their names and values."""
WAITING: Final = 512
"""Bytes of our objects around a ping of which only the event is kept until it is answered."""
EVENT: Final = 1_024
"""Bytes of our objects around one event of an array."""
AIOHTTP: Final = 32_768
"""Bytes of aiohttp's objects around one request."""


class InFlight:
    """Bytes of requests under way, in both lanes. On the event loop only."""

    __slots__ = ("_bound", "held")

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self.held = 0

    def is_full(self) -> bool:
        """Whether a beacon is to be shed at once rather than wait, too.

        No property: that goes through Python from compiled code as well.
        """
        return self.held > self._bound


def cost(head: Head, raw: bytes, max_body: int) -> int:
    """Bytes that a request may take up until it is answered; `raw` is its head."""
    return _REQUEST + _HEAD_COPIES * len(raw) + (max_body if head.chunked else head.length)
