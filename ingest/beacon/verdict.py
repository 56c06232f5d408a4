"""What the collector makes of one ping."""

from ingest.outcome import Outcome


class Verdict:
    """One ping's fate as far as its content decides it."""

    __slots__ = (
        "event", "event_id", "field", "outcome", "reason", "rejection", "site", "time", "visitor",
    )  # fmt: skip

    def __init__(
        self,
        outcome: Outcome,
        site: bytes = b"",
        time: int = 0,
        event: bytes = b"",
        event_id: str = "",
        visitor: int | None = None,
        field: str = "",
        reason: str = "",
        rejection: bytes = b"",
    ) -> None:
        self.outcome = outcome
        """`STORED`: fit to be stored, now append it; else `OPTED_OUT`, `IGNORED` or `REJECTED`."""
        self.site = site
        """Kafka key: the site in lower case; empty when none."""
        self.time = time
        """Epoch milliseconds: the event's `time`, Kafka's timestamp."""
        self.event = event
        """The event as JSON (`schemas/event.v1.json`); empty unless `STORED`."""
        self.event_id = event_id
        """UUID in lower case; empty when nothing was parsed."""
        self.visitor = visitor
        """The event's number for the `uid` cookie where `visitor.mode` is `cookie`."""
        self.field = field
        """Long name of the field that rejects the ping; empty when it is the body as a whole."""
        self.reason = reason
        """Why it is rejected, one sentence without the visitor's data."""
        self.rejection = rejection
        """The rejected event as JSON (`schemas/rejected.v1.json`), at most 4 KiB."""


class Collected:
    """What became of one request: one verdict, or one for each item of a JSON array."""

    __slots__ = ("array", "verdicts")

    def __init__(self, verdicts: tuple[Verdict, ...], array: bool) -> None:
        self.verdicts = verdicts
        self.array = array
        """Whether the body was a JSON array whose items were looked at one by one."""
