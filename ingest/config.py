"""Every option, once: name, type, default, bounds and a line of help.

`configure` reads the values; the table in the README, the help of the command line and the checks
at the start are all made from the classes here.
"""

import re
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

ENV_PREFIX = "BEACON_"
ENV_SEPARATOR = "__"
LONGEST_DAYS = 20
"""Days that an event is kept at most: the promise of `/privacy`."""
_MIB = 1024 * 1024
_GIB = 1024 * _MIB


class Role(StrEnum):
    """Which part of the product this process is."""

    ALL = "all"
    COLLECTOR = "collector"
    STATS = "stats"


class Ack(StrEnum):
    """When a success is answered."""

    DURABLE = "durable"
    ACCEPTED = "accepted"


class Signal(StrEnum):
    """What a privacy signal of the browser (GPC, DNT) does."""

    SHARE = "share"
    """Stored with `"share": false`, kept from partners."""
    DROP = "drop"
    IGNORE = "ignore"


class VisitorMode(StrEnum):
    """How a visitor's number is made."""

    HASH = "hash"
    COOKIE = "cookie"


class Compression(StrEnum):
    """Compression of Kafka batches."""

    NONE = "none"
    GZIP = "gzip"
    SNAPPY = "snappy"
    LZ4 = "lz4"
    ZSTD = "zstd"


class SecurityProtocol(StrEnum):
    """How to talk to Kafka, in Kafka's own words."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(StrEnum):
    """How to authenticate to Kafka, in Kafka's own words."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class LogFormat(StrEnum):
    """Shape of the log lines on standard error."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+\Z")
_REFUSED_HEADERS = {"cookie", "authorization", "referer", "via", "set-cookie"}
_ADDRESS_WORDS = {
    "addr", "address", "clientip", "forwarded", "ip", "ipv4", "ipv6", "realip", "socketip",
}  # fmt: skip
_SECRET_WORDS = {"auth", "authorization", "cookie", "key", "secret", "token"}
_PARAM = re.compile(r"[A-Za-z0-9._~\[\]-]+\*?\Z")


def _header(name: str) -> str:
    lowered = name.lower()
    if not _HEADER_NAME.match(lowered):
        raise ValueError(f"{name!r} is no header name")
    words = set(re.split(r"[-_.]", lowered))
    if lowered in _REFUSED_HEADERS or words & (_ADDRESS_WORDS | _SECRET_WORDS):
        raise ValueError(f"{lowered!r} carries an address or a secret and is never kept")
    return lowered


def _param(name: str) -> str:
    if not _PARAM.match(name):
        raise ValueError(f"{name!r} is no parameter name (a trailing * stands for any ending)")
    return name


def _origin(url: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+/?", url):
        raise ValueError(f"{url!r} is no origin such as https://beacon.example")
    return url.rstrip("/")


def _contact(where: str) -> str:
    if not re.fullmatch(
        r"https?://[!-~]{1,500}|[!#$%&'*+./0-9A-Za-z^_`{|}~-]+@[0-9A-Za-z.-]+", where
    ):
        raise ValueError(f"{where!r} is neither a mail address nor a page's address")
    return where


def _own_path(path: str) -> str:
    if not re.fullmatch(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}){1,4}", path):
        raise ValueError(f"{path!r} is no path such as /stats/app.js")
    if path.split("/")[1] in _PAGES:
        raise ValueError(f"{path!r} would hide a page of the server")
    return path


def _bootstrap(server: str) -> str:
    if not re.fullmatch(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}", server):
        raise ValueError(f"{server!r} is not HOST:PORT")
    return server


# First parts of the contract's other paths.
_PAGES = {
    "api", "badge", "demo", "demo.js", "favicon.ico", "live", "opt-in", "opt-out", "privacy",
    "robots.txt",
}  # fmt: skip
HeaderName = Annotated[str, AfterValidator(_header)]
ParamName = Annotated[str, AfterValidator(_param)]
Origin = Annotated[str, AfterValidator(_origin)]
Server = Annotated[str, AfterValidator(_bootstrap)]
Contact = Annotated[str, AfterValidator(_contact)]
OwnPath = Annotated[str, AfterValidator(_own_path)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Bytes = Annotated[int, Field(ge=0)]


class Section(BaseModel):
    """A table of the TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Http(Section):
    """The public listener."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` or `::` for all."""
    port: Port = 8080
    """Port to listen on; 0 takes a free one and says which."""
    public_url: Origin | None = None
    """Origin under which browsers reach this server, such as `https://beacon.example`."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of proxies whose `X-Forwarded-For`, `-Proto` and `Forwarded` are believed."""
    fast_lane: bool = True
    """Handle plain beacons before aiohttp; off changes nothing but speed."""
    max_connections: Annotated[int, Field(ge=1)] = 20_000
    """Open connections at most; a further one is closed at once."""
    max_in_flight: Annotated[int, Field(ge=_MIB // 16)] = 48 * _MIB
    """Bytes of requests not answered yet at most, our own costs included; 503 at once above."""
    max_request_line: Annotated[int, Field(ge=256, le=65_536)] = 8_192
    """Bytes of a request line at most (414 above)."""
    max_head: Annotated[int, Field(ge=512, le=262_144)] = 16_384
    """Bytes of a request's head at most (431 above)."""
    max_headers: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Header lines at most (431 above)."""
    max_body: Annotated[int, Field(ge=1, le=16 * _MIB)] = 65_536
    """Bytes of a request's body at most (413 above)."""
    head_timeout: Seconds = 10.0
    """Seconds from the first byte of a head to its last (408 after)."""
    body_timeout: Seconds = 20.0
    """Seconds from the end of a head to the end of its body (408 after)."""
    idle_timeout: Seconds = 75.0
    """Seconds that a connection may wait between requests."""
    write_timeout: Seconds = 20.0
    """Seconds that a client may take to read an answer."""


class Admin(Section):
    """The operators' listener: metrics and health."""

    host: str = "127.0.0.1"
    """Address to listen on; keep it away from the public."""
    port: Port = 8081
    """Port to listen on; 0 takes a free one and says which."""


class Kafka(Section):
    """The Kafka cluster. Without `bootstrap_servers`, events go to the store on disk."""

    bootstrap_servers: tuple[Server, ...] = ()
    """Brokers to ask first, `HOST:PORT`; empty: no Kafka, events go to the store."""
    partitions: Annotated[int, Field(ge=1, le=10_000)] = 6
    """Partitions of topics that we create; many small batches cost more than their events."""
    compression: Compression = Compression.LZ4
    """Compression of batches; kafkajs reads lz4 and zstd with a plugin."""
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")] = "beacon"
    """First part of the topics' names: `beacon` makes `beacon.events` and so on."""
    batch_bytes: Annotated[int, Field(ge=1_024, le=16 * _MIB)] = 262_144
    """Bytes of a batch at most, before compression."""
    security_protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    """How to talk to the brokers."""
    sasl_mechanism: SaslMechanism = SaslMechanism.PLAIN
    """How to authenticate, with one of the SASL protocols."""
    sasl_username: str | None = None
    """Name to authenticate with."""
    sasl_password: SecretStr | None = None
    """Password to authenticate with; better in the environment than in a file."""
    ssl_ca_file: Path | None = None
    """Certificates to trust (PEM); the system's when absent."""
    ssl_cert_file: Path | None = None
    """Our certificate (PEM), where brokers ask for one."""
    ssl_key_file: Path | None = None
    """Key of our certificate (PEM)."""

    @model_validator(mode="after")
    def _credentials_fit(self) -> "Kafka":
        sasl = self.security_protocol.value.startswith("SASL")
        if sasl and (self.sasl_username is None or self.sasl_password is None):
            raise ValueError(
                f"security_protocol {self.security_protocol} needs sasl_username and sasl_password"
            )
        if (self.ssl_cert_file is None) != (self.ssl_key_file is None):
            raise ValueError("ssl_cert_file and ssl_key_file go together")
        return self

    def topic(self, name: str) -> str:
        """Full name of one of our topics, such as `beacon.events`."""
        return f"{self.topic_prefix}.{name}"


class Delivery(Section):
    """From a parsed event to a success answer."""

    ack: Ack = Ack.DURABLE
    """`durable`: success means on Kafka or synced to disk; `accepted`: at once, and says so."""
    timeout: Annotated[float, Field(ge=0.05, le=60)] = 1.5
    """Seconds that Kafka has to acknowledge a batch before it is given up."""
    linger_min: Annotated[float, Field(ge=0, le=1)] = 0.002
    """Seconds that a batch waits for company at the least."""
    linger_max: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Seconds that a batch waits for company at the most."""
    linger_events: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Events that a batch hopes for: linger is this over arrivals a second and partition."""
    max_waiting: Annotated[int, Field(ge=_MIB // 16)] = 64 * _MIB
    """Bytes of events not yet durable at most; above it pings are shed with 503."""

    @model_validator(mode="after")
    def _linger_is_a_range(self) -> "Delivery":
        if self.linger_min > self.linger_max:
            raise ValueError("linger_min is above linger_max")
        return self


class Store(Section):
    """The store on disk, used when no Kafka is configured."""

    max_bytes: Bytes = 20 * _GIB
    """Bytes of segment files at most; above it pings are shed with 503."""
    min_free: Bytes = 512 * _MIB
    """Bytes that stay free on the disk; below it pings are shed with 503."""
    segment_bytes: Annotated[int, Field(ge=4_096, le=_GIB)] = 64 * _MIB
    """Bytes after which a segment file is closed and a new one begun."""
    retention_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = LONGEST_DAYS
    """Days after which an event is gone; 20 at most, as the privacy policy promises."""


class Spool(Section):
    """The spool on disk: where events wait while Kafka does not take them."""

    max_bytes: Bytes = 20 * _GIB
    """Bytes of segment files at most; above it pings are shed with 503."""
    min_free: Bytes = 512 * _MIB
    """Bytes that stay free on the disk; below it pings are shed with 503."""
    segment_bytes: Annotated[int, Field(ge=4_096, le=_GIB)] = 64 * _MIB
    """Bytes after which a segment file is closed and a new one begun."""
    alarm_age: Seconds = 300.0
    """Seconds after which events that still wait for Kafka are reported in the log."""
    quarantine_bytes: Bytes = _GIB
    """Bytes of records that Kafka refuses for themselves at most."""


class Visitor(Section):
    """The visitor's number."""

    mode: VisitorMode = VisitorMode.HASH
    """`hash`: of network, user agent and language, anew each day; `cookie` keeps the first one."""
    key_file: Path | None = None
    """File with the key of the day; `visitor.key` in `data_dir` when absent."""


class Geo(Section):
    """Geolocation."""

    database: Path | None = None
    """Database in MaxMind's format (country or city); reread when it changes. None: no location."""


class Headers(Section):
    """Request headers kept in the event."""

    allow: tuple[HeaderName, ...] = (
        "accept-language",
        "sec-ch-ua",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
    )
    """Names of the headers kept; none that carries an address or a secret may be on the list."""


class Url(Section):
    """Addresses of pages."""

    keep_params: tuple[ParamName, ...] = ("utm_*", "ref")
    """Query parameters kept in `url` and `referrer`; a trailing `*` stands for any ending."""


class Signals(Section):
    """Privacy signals of the browser."""

    gpc: Signal = Signal.SHARE
    """`Sec-GPC: 1`: `share` stores with `"share": false`, `drop` stores nothing, `ignore`."""
    dnt: Signal = Signal.IGNORE
    """`DNT: 1`: the same three."""


class Privacy(Section):
    """Who answers for this server, as `/privacy` names them."""

    operator: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """Person or company that runs this server, such as `Example Ltd, 1 Street, Town`."""
    contact: Contact | None = None
    """Mail address, or address of a page, for questions about privacy."""


class Sites(Section):
    """The sites that are counted."""

    file: Path | None = None
    """TOML file of known sites; without one any well-formed site name is taken."""
    max_active: Annotated[int, Field(ge=1)] = 100_000
    """Sites counted at most, 9 KB each if small; pings of further ones are stored only."""


class Stats(Section):
    """The stats role."""

    url: Origin | None = None
    """Where the stats role answers, for `--role collector` to send pages and API there."""
    max_viewers: Annotated[int, Field(ge=1)] = 2_000
    """Open streams of one site at most (503 above)."""
    max_streams: Annotated[int, Field(ge=1)] = 5_000
    """Open streams of all sites at most (503 above)."""
    count_bots: bool = False
    """Count bots like people."""
    max_ids: Annotated[int, Field(ge=100_000)] = 8_000_000
    """Ids remembered to know repeated events by, 9 bytes each; the oldest are forgotten first."""


class Read(Section):
    """What `ingest stats` asks."""

    url: Origin = "http://127.0.0.1:8080"
    """The server to ask."""
    token: SecretStr | None = None
    """Token of a private site; better in the environment than on the command line."""


_CONTRACT_PATHS = {"script_path": "/w.js", "endpoint_path": "/e", "pixel_path": "/p.gif"}


class Widget(Section):
    """Further names for what the widget uses: content blockers know some by heart."""

    script_path: OwnPath = "/w.js"
    """Path under which the script is served too, beside `/w.js`."""
    endpoint_path: OwnPath = "/e"
    """Path to which the script sends events; they are taken there as at `/e`."""
    pixel_path: OwnPath = "/p.gif"
    """Path of the pixel to which the script turns last; it is served as at `/p.gif`."""

    @model_validator(mode="after")
    def _names_differ(self) -> "Widget":
        given: dict[str, str] = self.model_dump()
        for option, path in given.items():
            taken = (*_CONTRACT_PATHS.values(), *given.values())
            if path != _CONTRACT_PATHS[option] and taken.count(path) > 1:
                raise ValueError(f"{option}: {path!r} is another's path")
        return self


class Rejected(Section):
    """Rejected events, kept for whoever has to find out why (best effort)."""

    max_bytes: Bytes = 64 * _MIB
    """Bytes of the local file of rejected events at most, without Kafka; the oldest go first."""
    max_waiting: Bytes = 4 * _MIB
    """Bytes of rejected events waiting to be written; further ones are counted and dropped."""


class Shutdown(Section):
    """The orderly stop."""

    grace: Seconds = 10.0
    """Seconds from SIGTERM to exit at most."""


class Logs(Section):
    """Log lines of the server itself, on standard error."""

    level: Annotated[str, Field(pattern=r"^(?:debug|info|warning|error)$")] = "info"
    """`debug`, `info`, `warning` or `error`."""
    format: LogFormat = LogFormat.AUTO
    """`auto`: text on a terminal, else one JSON object a line."""


class Config(BaseSettings):
    """All of it. Made by `configure.load`; frozen."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_SEPARATOR,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )

    data_dir: Path = Path("data")
    """Directory of everything that this process keeps: store, keys, state."""
    role: Role = Role.ALL
    """`all`, or `collector` and `stats` apart (both need Kafka)."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Collector processes that share the port (more than one needs Kafka)."""
    http: Http = Http()
    admin: Admin = Admin()
    kafka: Kafka = Kafka()
    delivery: Delivery = Delivery()
    store: Store = Store()
    spool: Spool = Spool()
    visitor: Visitor = Visitor()
    geo: Geo = Geo()
    headers: Headers = Headers()
    url: Url = Url()
    signals: Signals = Signals()
    privacy: Privacy = Privacy()
    sites: Sites = Sites()
    stats: Stats = Stats()
    read: Read = Read()
    widget: Widget = Widget()
    rejected: Rejected = Rejected()
    shutdown: Shutdown = Shutdown()
    logs: Logs = Logs()

    @model_validator(mode="after")
    def _needs_kafka(self) -> "Config":
        if not self.kafka.bootstrap_servers:
            if self.role is not Role.ALL:
                raise ValueError(f"role {self.role} needs kafka.bootstrap_servers")
            if self.workers > 1:
                raise ValueError("workers above 1 need kafka.bootstrap_servers")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `configure.load` merged counts: it names what is unknown."""
        return (init_settings,)

    @property
    def uses_kafka(self) -> bool:
        """Whether events go to Kafka rather than to the store."""
        return bool(self.kafka.bootstrap_servers)

    @property
    def visitor_key_file(self) -> Path:
        """Where the key of the day lies."""
        return self.visitor.key_file or self.data_dir / "visitor.key"

    @property
    def store_dir(self) -> Path:
        """Where the store's segment files lie."""
        return self.data_dir / "store"

    @property
    def spool_dir(self) -> Path:
        """Where the spool's segment files lie."""
        return self.data_dir / "spool"

    @property
    def quarantine_dir(self) -> Path:
        """Where what Kafka refuses for itself lies."""
        return self.data_dir / "quarantine"
