"""Tells the operator when pings are not stored, and when they are again: log and `/readyz`."""

import asyncio
import logging
from collections.abc import Callable
from logging import ERROR, INFO

from ingest.logs import say

_LOOK = 0.25
"""Seconds between looks."""
_SHEDDING = 1.0
"""Seconds for which one ping shed says that the next may be, too."""
_CALM = 5.0
"""Seconds without a ping shed after which it is over: a bound that is touched again and again is
said once."""
_TOO_MUCH = "more comes at once than there is room for"
_LOGGER = logging.getLogger("ingest")


class Watch:
    """One line when pings begin to be shed, or would be, and one when that is over."""

    def __init__(self, trouble: Callable[[], str | None], shed: Callable[[], int]) -> None:
        """`trouble` says why a ping could not be stored now; `shed` how many were shed so far."""
        self._trouble = trouble
        self._shed = shed
        self._seen = self._shed_before = shed()
        self._shed_at = float("-inf")
        self._calm_since: float | None = None
        """None while pings are stored, as far as we know."""
        self._shedding = False

    @property
    def trouble(self) -> str | None:
        """Why a ping that came now would probably be shed."""
        return self._trouble() or (_TOO_MUCH if self._shedding else None)

    async def run(self) -> None:
        """Go on until cancelled."""
        time = asyncio.get_running_loop().time
        while True:
            self.look(time())
            await asyncio.sleep(_LOOK)

    def look(self, now: float) -> None:
        """Say what changed since the last look; `now` is in seconds."""
        trouble, shed = self._trouble(), self._shed()
        more, self._seen = shed - self._seen, shed
        self._shed_at = now if more else self._shed_at
        self._shedding = now - self._shed_at < _SHEDDING
        if trouble is not None or more:
            if self._calm_since is None:
                self._shed_before = shed - more
                say(_LOGGER, ERROR, "pings cannot be stored", reason=trouble or _TOO_MUCH)
            self._calm_since = now
        elif self._calm_since is not None and now - self._calm_since >= _CALM:
            self._calm_since = None
            say(_LOGGER, INFO, "pings are stored again", shed=shed - self._shed_before)
