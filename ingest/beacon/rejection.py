"""Rejected events: enough to find out why, nothing of who sent them."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from ingest.beacon.sanitise import clean

MAX_BYTES = 4_096
"""Bytes of one rejected event at most."""
_VALUE_LIMIT = 128


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rejected event, as `schemas/rejected.v1.json` describes it."""

    received: str
    route: str
    reason: str
    length: int
    """Bytes of the query or the body that held it."""
    field: str = ""
    value: object = None
    """The bad value; only a text's clean beginning is kept."""
    network: str = ""
    headers: Mapping[str, str] | None = None

    def encode(self) -> bytes:
        """Return it as JSON of at most `MAX_BYTES`; the headers go first when it is longer."""
        kept: dict[str, object] = {
            "v": 1,
            "received": self.received,
            "route": self.route,
            "reason": self.reason,
            "length": self.length,
        }
        if self.field:
            kept["field"] = self.field
        if isinstance(self.value, str):
            kept["value"] = clean(self.value, _VALUE_LIMIT).value
        if self.network:
            kept["ip"] = self.network
        if self.headers:
            whole = orjson.dumps({**kept, "headers": dict(self.headers)})
            if len(whole) <= MAX_BYTES:
                return whole
        return orjson.dumps(kept)
