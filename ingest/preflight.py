"""What stops a start: options that cannot be kept. And what is said at it: those that give less."""

import logging
from logging import WARNING

from ingest.beacon.sites import Sites
from ingest.compiled import WHY, is_compiled
from ingest.config import Config, Role
from ingest.descriptors import Connections, within_limit
from ingest.http.elsewhere import connections_for, streams_within
from ingest.http.own_origin import is_secure
from ingest.log.files import OsFiles
from ingest.log.recovery import segment_names
from ingest.logs import say
from ingest.memory import there_is, too_little

_LOGGER = logging.getLogger("ingest")
FEWER = {
    "connections": "fewer connections than http.max_connections",
    "streams": "fewer streams than stats.max_streams",
}
TOO_FEW_FILES = "the limit on open files is too low: raise it (ulimit -n, LimitNOFILE)"


def why_not(config: Config) -> str | None:
    """What is asked for and cannot be, in plain words: better no start than a promise not kept."""
    if config.workers > 1:
        return "workers above 1 are not part of this version: start one process a machine"
    if config.stats.url is not None and config.role is not Role.COLLECTOR:
        return f"stats.url is for role collector, and the role is {config.role}: leave it out"
    if config.role is Role.STATS:
        return None
    spool = config.spool_dir
    if not config.uses_kafka and spool.is_dir() and segment_names(OsFiles(), spool):
        return f"{spool} holds confirmed events that wait for Kafka: start with --kafka"
    return None


def fewer_than_asked(config: Config) -> dict[str, int]:
    """What the process may have of `connections` and `streams`, where that is less than asked."""
    passes_on = config.role is Role.COLLECTOR and config.stats.url is not None
    made = connections_for(config.stats.max_streams) if passes_on else 0
    wanted = Connections(config.http.max_connections, made)
    fitting = within_limit(wanted)
    fewer = {}
    if fitting.taken < wanted.taken:
        fewer["connections"] = fitting.taken
    if fitting.made < wanted.made:
        fewer["streams"] = streams_within(fitting.made)
    return fewer


def within_descriptors(config: Config) -> Config:
    """Take, and pass on, no more connections than the process may have."""
    http, stats = config.http, config.stats
    for what, most in fewer_than_asked(config).items():
        say(_LOGGER, WARNING, FEWER[what], **{what: most}, reason=TOO_FEW_FILES)
        if what == "connections":
            http = http.model_copy(update={"max_connections": most})
        else:
            stats = stats.model_copy(update={"max_streams": most})
    return config.model_copy(update={"http": http, "stats": stats})


def warn(config: Config, sites: Sites) -> None:
    """Say at the start what works less well than one may think."""
    if not is_compiled():
        say(_LOGGER, WARNING, "not compiled", reason=WHY)
    if reason := too_little(config, there_is()):
        say(_LOGGER, WARNING, "memory may not be enough", reason=reason)
    if config.uses_kafka and config.store_dir.is_dir():
        reason = "events from a time without Kafka stay there until they are 20 days old"
        say(_LOGGER, WARNING, "the store is not used", reason=reason)
    if _in_clear(config):
        reason = "without HTTPS in front browsers keep the opt-out cookie from other sites"
        say(_LOGGER, WARNING, "opt-out does not reach other sites", reason=reason)
        if sites.any_private:
            reason = "without HTTPS in front anyone on the way can read tokens and cookies"
            say(_LOGGER, WARNING, "private sites are read in clear", reason=reason)


def _in_clear(config: Config) -> bool:
    """Whether browsers come without HTTPS, and from other machines: as far as is configured."""
    url = config.http.public_url
    if url is not None:
        return not is_secure(url)
    loopback = config.http.host in ("127.0.0.1", "::1", "localhost")
    return not loopback and not config.http.trusted_proxies
