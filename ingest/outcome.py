"""What became of a request: the words that answers, metrics and documentation share."""

from enum import StrEnum


class Route(StrEnum):
    """What a request asked for, as metrics label it."""

    PIXEL = "p.gif"
    EVENTS = "e"
    BADGE = "badge"
    PAGE = "page"
    """Everything that takes in no beacon: pages, API, scripts, preflights."""
    NONE = "none"
    """Refused before a route was known, or a path that is none of ours."""


class Outcome(StrEnum):
    """The value of `Beacon-Outcome`, and the label under which a request is counted."""

    STORED = "stored"
    """On Kafka, or synced to disk here."""
    ACCEPTED = "accepted"
    """Taken, not yet durable: only with `delivery.ack = "accepted"`."""
    OPTED_OUT = "opted-out"
    """The visitor carries the opt-out cookie: nothing was kept."""
    IGNORED = "ignored"
    """A prefetch, a HEAD, a dropped signal, a badge that is not to count."""
    REJECTED = "rejected"
    """The ping itself is bad: its site, its name, or its JSON."""
    SHED = "shed"
    """No room: try again after `Retry-After`. Not stored."""
    FAILED = "failed"
    """Writing failed: try again with the same id. May yet be stored."""
    REFUSED = "refused"
    """The request is malformed, or its method or content type is wrong."""
    PAGE = "page"
    """Answered, but no beacon; never a value of `Beacon-Outcome`."""

    @property
    def rank(self) -> int:
        """How bad this is among the outcomes of one array; the worst names the whole answer."""
        return _RANKS.get(self, 0)


_RANKS = {
    Outcome.ACCEPTED: 1,
    Outcome.STORED: 1,
    Outcome.REJECTED: 2,
    Outcome.SHED: 3,
    Outcome.FAILED: 4,
}
