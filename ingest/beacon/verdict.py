"""What the collector makes of one ping."""

from typing import NamedTuple

from ingest.outcome import Outcome


class Verdict(NamedTuple):
    """One ping's fate as far as its content decides it."""

    outcome: Outcome
    """`STORED`: fit to be stored, now append it; else `OPTED_OUT`, `IGNORED` or `REJECTED`."""
    site: bytes = b""
    """Kafka key: the site in lower case; empty when none."""
    time: int = 0
    """Epoch milliseconds: the event's `time`, Kafka's timestamp."""
    event: bytes = b""
    """The event as JSON (`schemas/event.v1.json`); empty unless `STORED`."""
    event_id: str = ""
    """UUID in lower case; empty when nothing was parsed."""
    visitor: int | None = None
    """The event's visitor number, for the `uid` cookie where `visitor.mode` is `cookie`."""
    field: str = ""
    """Long name of the field that rejects the ping; empty when it is the body as a whole."""
    reason: str = ""
    """Why it is rejected, one sentence without the visitor's data."""
    rejection: bytes = b""
    """The rejected event as JSON (`schemas/rejected.v1.json`), at most 4 KiB."""


class Collected(NamedTuple):
    """What became of one request: one verdict, or one for each item of a JSON array."""

    verdicts: tuple[Verdict, ...]
    array: bool
    """Whether the body was a JSON array whose items were looked at one by one."""
