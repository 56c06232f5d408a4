"""The yardstick of `counted`: the same, answered with plain sets of Python's, without bounds."""

from collections import Counter, defaultdict
from datetime import datetime

import orjson

from ingest.stats.queries import HOUR, MINUTE, NOW_MINUTES

_BY = ("url", "referrer", "country", "browser", "os", "device")


class PlainCounts:
    """What a short program would keep, without regard to memory, restarts and odd events."""

    def __init__(self) -> None:
        self._ids: set[tuple[str, int, str]] = set()
        self._minutes: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        self._hours: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        self._views: Counter[tuple[str, int]] = Counter()
        self._tops: defaultdict[tuple[str, int, str, str], set[int]] = defaultdict(set)

    def apply(self, value: bytes) -> None:
        """Count a pageview."""
        event = orjson.loads(value)
        site, visitor = event["site"], event["visitor"]
        time = int(datetime.fromisoformat(event["time"]).timestamp() * 1000)
        hour = time // HOUR
        known = (site, hour, event["id"])
        if known in self._ids:
            return
        self._ids.add(known)
        self._minutes[site, time // MINUTE].add(visitor)
        self._hours[site, hour].add(visitor)
        self._views[site, hour] += 1
        for by in _BY:
            self._tops[site, hour, by, event[by]].add(visitor)

    def now(self, site: str, minute: int) -> int:
        """Visitors of a minute and the four before it."""
        starts = range(minute - NOW_MINUTES + 1, minute + 1)
        return len(set().union(*[self._minutes.get((site, start), ()) for start in starts]))
