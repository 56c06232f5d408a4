"""Events to be counted, and a clock that stands still."""

import time
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import orjson

from ingest.log.batch import Batch, Record
from ingest.stats.queries import DAY, HOUR

MIDNIGHT = 1_732_406_400_000
"""2024-11-24 00:00 UTC in epoch milliseconds."""
NOON = MIDNIGHT + 12 * HOUR
SITE = "site.example"
_random = Random(5)


@dataclass
class Clock:
    """Told, not read."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


def written(milliseconds: int) -> str:
    """A time as events write it."""
    second, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second)) + f"{rest:03d}Z"


def event(at: int = NOON, visitor: int | None = 1, **fields: Any) -> bytes:
    """A pageview, unless `name` says otherwise, with an id of its own."""
    made = {
        "v": 1,
        "id": str(UUID(int=_random.getrandbits(128))),
        "time": written(at),
        "received": written(fields.pop("received", at)),
        "site": SITE,
        "name": "pageview",
        "widget": "pro",
        "bot": False,
        "share": True,
        "device": "desktop",
        "visitor": visitor,
        **fields,
    }
    return orjson.dumps({name: value for name, value in made.items() if value is not None})


def batch(number: int, values: list[bytes]) -> Batch:
    """A batch of events."""
    made = Batch(number.to_bytes(16), 0, 0.0)
    for value in values:
        made.add(Record(b"site", value, NOON), lambda _: None)
    return made


def close_enough(counted: int, true: int) -> bool:
    """Within one below 1,000, within 0.2 % above."""
    return abs(counted - true) <= (1 if true < 1_000 else 0.002 * true)


__all__ = ["DAY", "HOUR", "MIDNIGHT", "NOON", "SITE", "Clock", "batch", "close_enough", "event"]
