"""What a load is to be, in words that can be sent to another process."""

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit


class Kind(StrEnum):
    """What is sent."""

    PIXEL = "pixel"
    """`GET` of an image, the ping in its query."""
    JSON = "json"
    """`POST` of one JSON object, as `navigator.sendBeacon` sends a string."""
    MIXED = "mixed"
    """Three pixels to each JSON."""
    ARRAY = "array"
    """`POST` of ten JSON objects at once."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the pings go."""

    scheme: str
    host: str
    port: int
    path: str
    """Of the URL; pixels go there, and so does JSON if only JSON is sent."""
    post_path: str
    """Where a mixture posts its JSON."""

    @classmethod
    def of(cls, url: str, post_path: str = "/e") -> Self:
        """Take a URL apart; raises ValueError with what is wrong."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no http or https address")
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        return cls(parts.scheme, parts.hostname, port, parts.path or "/", post_path)

    @property
    def authority(self) -> str:
        """The value of `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme] == self.port
        return host if usual else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Visits:
    """Who visits, and what they send."""

    kind: Kind = Kind.PIXEL
    seed: int = 1
    sites: int = 1_000
    """So many, the n-th with 1/n of the first one's pings (Zipf)."""
    opt_outs: float = 0.02
    """Share of visitors with the cookie `optout=1`."""
    sticky: bool = False
    """Each connection is one visitor's own; else each request on it is another's."""
    prepared: int = 50_000
    """Requests made beforehand in each process, used again from the first after the last."""
    each_agent: bool = False
    """Visitors have the pool's user agents one after the other, not each as often as it is seen."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A load."""

    target: Target
    visits: Visits = Visits()
    rate: float | None = None
    """Requests a second, by the clock (open loop); None: as many as are answered (closed loop)."""
    seconds: float = 10.0
    warm_up: float = 1.0
    """Seconds of the same load before it, of which nothing is told."""
    connections: int = 64
    pings_per_connection: int | None = None
    """After which a connection is closed; None: kept."""
    new_connections_rate: float = 0.0
    """So many connections a second, the longest open first, are closed and opened anew."""
    timeout: float = 20.0
    """Seconds after which an answer is not waited for any longer."""
    processes: int = 1
    share: int = 0
    """Which of the processes this is."""
    limit: int | None = None
    """Requests at most in the measured part, of each process."""
    kept: str = ""
    """Directory in which requests stay, for others who send the same; none: they are not kept."""

    def split(self) -> list["Plan"]:
        """One plan for each process."""
        return [
            replace(
                self,
                share=number,
                rate=None if self.rate is None else self.rate / self.processes,
                connections=-(-(self.connections - number) // self.processes),
                new_connections_rate=self.new_connections_rate / self.processes,
            )
            for number in range(self.processes)
        ]

    def as_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `as_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        visits = fields["visits"]
        visits["kind"] = Kind(visits["kind"])
        fields |= {"target": Target(**fields["target"]), "visits": Visits(**visits)}
        return cls(**fields)
