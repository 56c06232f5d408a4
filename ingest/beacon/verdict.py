"""What the collector makes of one ping."""

from ingest.outcome import Outcome

EVENT_BEGIN = b'{"v":1,"id":"'
"""What an event begins with; its id follows."""
_STORED = Outcome.STORED  # an enum's member is looked up by Python code
_ID_BEGIN = len(EVENT_BEGIN)
_ID_END = _ID_BEGIN + 36


class Verdict:
    """One ping's fate as far as its content decides it."""

    __slots__ = (
        "_event_id", "event", "field", "outcome", "reason", "rejection", "site", "time", "visitor",
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
        self._event_id = event_id
        self.visitor = visitor
        """The event's number for the `uid` cookie where `visitor.mode` is `cookie`."""
        self.field = field
        """Long name of the field that rejects the ping; empty when it is the body as a whole."""
        self.reason = reason
        """Why it is rejected, one sentence without the visitor's data."""
        self.rejection = rejection
        """The rejected event as JSON (`schemas/rejected.v1.json`), at most 4 KiB."""

    @property
    def event_id(self) -> str:
        """UUID in lower case; empty when nothing was parsed.

        Of what is stored it is read from the event: few answers name it.
        """
        if self._event_id or not self.event:
            return self._event_id
        return self.event[_ID_BEGIN:_ID_END].decode()


def stored(site: bytes, time: int, event: bytes, visitor: int) -> Verdict:
    """As `Verdict(Outcome.STORED, …)`, in a third of the time."""
    verdict = Verdict.__new__(Verdict)
    verdict.outcome = _STORED
    verdict.site = site
    verdict.time = time
    verdict.event = event
    verdict.visitor = visitor
    verdict._event_id = verdict.field = verdict.reason = ""
    verdict.rejection = b""
    return verdict


class Collected:
    """What became of one request: one verdict, or one for each item of a JSON array."""

    __slots__ = ("array", "verdicts")

    def __init__(self, verdicts: tuple[Verdict, ...], array: bool) -> None:
        self.verdicts = verdicts
        self.array = array
        """Whether the body was a JSON array whose items were looked at one by one."""


def single(verdict: Verdict) -> Collected:
    """As `Collected((verdict,), False)`, in a third of the time."""
    collected = Collected.__new__(Collected)
    collected.verdicts = (verdict,)
    collected.array = False
    return collected
