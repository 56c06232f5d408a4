"""The loads under which servers are compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from benchmarks.load.plan import Kind, Plan, Target, Visits

_FEW, _MANY = 64, 512
_RATES = (500, 1_000, 2_000, 4_000, 8_000, 12_000, 16_000)
_IN_RECORD = (1_000, 2_000, 4_000, 8_000)


class Turn(StrEnum):
    """When a scenario comes."""

    COLD = "once, at first, when a server has just started"
    ROUNDS = "in rounds, servers warm"
    LONG = "once, at the end, for long, memory looked at"


class Form(StrEnum):
    """How much of all this is measured."""

    QUICK = "quick"
    RECORD = "record"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Setting:
    """One load of a scenario."""

    name: str
    connections: int = _MANY
    rate: float | None = None
    pings_per_connection: int | None = None
    limit: int | None = None
    """Pings at most."""
    recorded: bool = True
    """Part of the form of record too, where its scenario is."""

    def plan(self, url: str, visits: Visits, seconds: float, warm_up: float) -> Plan:
        """The load on a server."""
        return Plan(
            Target.of(url),
            visits,
            self.rate,
            seconds,
            warm_up,
            self.connections,
            self.pings_per_connection,
            limit=self.limit,
        )


@dataclass(frozen=True, slots=True)
class Scenario:
    """A question, and the loads that answer it."""

    name: str
    question: str
    settings: Sequence[Setting]
    visits: Visits = field(default_factory=lambda: Visits(opt_outs=0.0))
    ours_only: bool = False
    """The others know no such request."""
    servers: Sequence[str] = ()
    """Names of those that are asked; none: all that have a Kafka as it should be."""
    recorded: Sequence[str] | None = None
    """The same in the form of record; None: not a part of it."""
    quick: Sequence[str] | None = None
    """The same in the quick form."""
    faulty: bool = False
    """Kafka is slow or absent: measured on a bench of its own, so that others run undisturbed."""
    turn: Turn = Turn.ROUNDS

    def within(self, form: Form) -> "Scenario | None":
        """What of it belongs to a form."""
        if form is Form.FULL:
            return self
        if form is Form.QUICK:
            if self.quick is None:
                return None
            return replace(self, settings=self.settings[-1:], servers=self.quick)
        if self.recorded is None:
            return None
        return replace(self, settings=self._recorded_settings(), servers=self.recorded)

    def narrowed(self) -> "Scenario":
        """Less of it, for who has less time than it takes: fewer loads, the nearest servers."""
        if self.recorded is not None:
            servers: Sequence[str] = self.recorded
        elif self.servers:
            servers = self.servers
        else:
            servers = (_OURS, _STORE) if self.ours_only else (_NGINX, _OURS, _TELEGRAF, _RUST)
        return replace(self, settings=self._recorded_settings(), servers=servers)

    def _recorded_settings(self) -> Sequence[Setting]:
        return [setting for setting in self.settings if setting.recorded]


_JUST_512 = (Setting("512 connections"),)
_NGINX, _OURS, _STORE, _TELEGRAF, _RUST = (
    "nginx empty_gif", "ours on Kafka", "ours on its store", "Telegraf http_listener_v2",
    "Rust axum + rdkafka",
)  # fmt: skip
_RSYSLOG, _PLAIN, _FASTAPI = (
    "nginx + rsyslog omkafka", "aiohttp + send_and_wait", "FastAPI + confluent-kafka",
)  # fmt: skip
_FAR = ("ours on slow Kafka", "Rust axum + rdkafka, slow Kafka")
_ALONE = "ours without its Kafka"

SCENARIOS: Sequence[Scenario] = (
    Scenario(
        "cold",
        "What do the first pings after a start cost, all browsers unknown?",
        (Setting("the first 4,000 pings", limit=4_000),),
        recorded=(),
        turn=Turn.COLD,
    ),
    Scenario(
        "saturation",
        "What does a ping cost when there is no more to be had?",
        (Setting("64 connections", _FEW), Setting("512 connections")),
        recorded=(),
        quick=(_NGINX, _OURS, _RSYSLOG, _TELEGRAF, _RUST, _PLAIN, _FASTAPI),
    ),
    Scenario(
        "latency",
        "How long does an answer take, by rate?",
        tuple(Setting(f"{rate:,}/s", _MANY, rate, recorded=rate in _IN_RECORD) for rate in _RATES),
        servers=(_NGINX, _OURS, _STORE, _TELEGRAF, _RUST),
        recorded=(_OURS, _RUST),
    ),
    Scenario(
        "one-ping",
        "What does a ping cost that has a connection to itself?",
        (Setting("1 ping per connection", _FEW, pings_per_connection=1),),
    ),
    Scenario(
        "connections",
        "What do many open connections cost?",
        (
            Setting("1,000 connections", 1_000),
            Setting("10,000 connections", 10_000, recorded=False),
        ),
        recorded=(_NGINX, _OURS, _RUST),
    ),
    Scenario(
        "arrays",
        "What does an event cost of ten in a POST?",
        (Setting("512 connections, 10 events a request"),),
        Visits(Kind.ARRAY, opt_outs=0.0, prepared=5_000),
        ours_only=True,
    ),
    Scenario(
        "hot-site", "What if all pings are one site's?", _JUST_512, Visits(sites=1, opt_outs=0.0)
    ),
    Scenario(
        "opt-outs", "What does a visitor cost who has opted out?", _JUST_512, Visits(opt_outs=1.0)
    ),
    Scenario(
        "store-only",
        "What does a machine without Kafka carry, pixels and JSON mixed?",
        (Setting("512 connections"), Setting("2,000/s", _MANY, 2_000)),
        Visits(Kind.MIXED),
        servers=(_STORE,),
    ),
    Scenario(
        "slow-kafka",
        "What if each word to and from Kafka takes 25 ms?",
        (Setting("512 connections"), Setting("1,000/s", _MANY, 1_000, recorded=False)),
        servers=(_NGINX, _OURS, *_FAR),
        recorded=(_NGINX, *_FAR),
        faulty=True,
    ),
    Scenario(
        "no-kafka",
        "What if Kafka is not there, and all goes to the spool?",
        (Setting("512 connections"), Setting("1,000/s", _MANY, 1_000, recorded=False)),
        servers=(_NGINX, _OURS, _ALONE),
        recorded=(_NGINX, _ALONE),
        faulty=True,
    ),
    Scenario(
        "memory",
        "Does memory grow?",
        (Setting("1,000/s", _MANY, 1_000),),
        servers=(_OURS,),
        recorded=(_OURS,),
        quick=(_OURS,),
        turn=Turn.LONG,
    ),
)
"""Without opt-outs, where not said otherwise: those who know none would have more to do."""


def of_form(form: Form) -> list[Scenario]:
    """What belongs to a form."""
    return [part for scenario in SCENARIOS if (part := scenario.within(form)) is not None]


def named(names: Sequence[str]) -> list[Scenario]:
    """Those with these names; raises ValueError naming one that is unknown."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no scenario {unknown[0]!r}; there are {', '.join(known)}")
    return [known[name] for name in names]
