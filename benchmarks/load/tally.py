"""What came back in one run."""

from collections import Counter

from benchmarks.load.latency import Latencies

TIMEOUT = "no answer in time"
CLOSED = "closed without an answer"
CUT = "closed within an answer"
RESET = "connection reset"
REFUSED = "connection refused"
NOT_CONNECTED = "not connected"
"""For what reason, the system's word follows."""
LATE_CONNECTION = "not connected in time"
UNSENT = "not sent: no connection was free"
BROKEN = "not HTTP"


def unconnected(error: OSError) -> str:
    """Why a connection could not be made."""
    if isinstance(error, ConnectionRefusedError):
        return REFUSED
    return f"{NOT_CONNECTED}: {error.strerror or error}"


class Tally:
    """Counts of answers and the time they took."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[bytes, bytes]] = Counter()
        """By status and `Beacon-Outcome` (empty where there is none)."""
        self.failures: Counter[str] = Counter()
        """Requests without an answer, by what happened to them."""
        self.latencies = Latencies()
        """From the intended time (open loop), or the time of sending, to the whole answer."""
        self.lags = Latencies()
        """From the time at which a ping could have been sent to that at which it was."""
        self.opened = 0
        """Connections."""

    def failed(self, how: str, seconds: float) -> None:
        """Count a request without answer, as slow as it was given up: none leaves the figures."""
        self.failures[how] += 1
        self.latencies.record(seconds)

    @property
    def done(self) -> int:
        """Requests that are over."""
        return self.answers.total() + self.failures.total()

    def named(self) -> dict[str, int]:
        """All counts under names to read, such as `200 stored`."""
        named = {
            f"{status.decode('latin-1')} {outcome.decode('latin-1')}".strip(): count
            for (status, outcome), count in self.answers.items()
        }
        return dict(sorted((named | dict(self.failures)).items()))
