"""What a request's fields tell of its browser: who it is, and which of them are kept."""

from collections.abc import Mapping
from functools import lru_cache

from ingest.beacon.agent import Agent, Agents
from ingest.beacon.headers import AllowedHeaders
from ingest.beacon.hit import RequestHead
from ingest.beacon.known import (
    ACCEPT_LANGUAGE,
    NAMES,
    SEC_CH_UA,
    SEC_CH_UA_MOBILE,
    SEC_CH_UA_PLATFORM,
    UNKNOWN,
    USER_AGENT,
    number_of,
)
from ingest.beacon.remembered import Remembered
from ingest.beacon.written import fields_text

_REMEMBERED = 10_000
_SHORT = 512
"""Bytes of one browser's values that are remembered at most: 5 MB of all, and their texts."""
_AGENT = (USER_AGENT, SEC_CH_UA, SEC_CH_UA_MOBILE, SEC_CH_UA_PLATFORM)


_alike = lru_cache(_REMEMBERED)(bytes)
"""Texts that are alike are one object, which stays in the processor's caches."""


class Browser:
    """Both of one browser, and what events say of them; not to be changed: it is remembered."""

    __slots__ = ("agent", "bot", "headers", "kept", "name", "private", "shared")

    def __init__(self, agent: Agent, headers: Mapping[str, str]) -> None:
        self.agent = agent
        self.headers = headers
        self.bot = agent.bot
        self.shared = _alike(_kind(agent, True))
        """Of a visitor whose events may be shared."""
        self.private = _alike(_kind(agent, False))
        """Of one whose events may not."""
        self.name = _alike(_name(agent))
        self.kept = _alike(fields_text({"headers": headers})) if headers else b""
        """The kept headers."""


def _kind(agent: Agent, share: bool) -> bytes:
    return fields_text({"bot": agent.bot, "share": share, "device": agent.device})


def _name(agent: Agent) -> bytes:
    return fields_text(
        {
            "browser": agent.browser,
            "browser_version": agent.browser_version,
            "os": agent.os,
            "os_version": agent.os_version,
        }
    )


class Browsers:
    """Tells both by one look at what it remembers; `Agents` and `AllowedHeaders` are the rules."""

    def __init__(self, agents: Agents, headers: AllowedHeaders) -> None:
        self._agents = agents
        self._headers = headers
        numbers = [number_of(name) for name in headers.raw_names]
        self._with_language = ACCEPT_LANGUAGE in numbers
        given = {USER_AGENT, ACCEPT_LANGUAGE, UNKNOWN}
        self._known = tuple(sorted({*_AGENT, *numbers} - given))
        pairs = zip(headers.raw_names, numbers, strict=True)
        self._unknown = tuple(name for name, number in pairs if number == UNKNOWN)
        known = (USER_AGENT, ACCEPT_LANGUAGE, *self._known)
        self._names = (*(NAMES[number] for number in known), *self._unknown)
        self._remembered = Remembered(self._told, _REMEMBERED)

    def of(self, head: RequestHead, user_agent: bytes, language: bytes) -> Browser:
        """Tell them by a head, two of whose fields, empty where there are none, were read."""
        values: list[bytes | None] = [user_agent, language if self._with_language else None]
        size = len(user_agent) + len(language)
        for known in self._known:
            value = head.value(known)
            values.append(value)
            if value is not None:
                size += len(value)
        for name in self._unknown:
            value = head.all().get(name)
            values.append(value)
            if value is not None:
                size += len(value)
        given = tuple(values)
        told: Browser = self._remembered.get(given) if size <= _SHORT else self._told(given)
        return told

    def _told(self, given: tuple[bytes | None, ...]) -> Browser:
        pairs = zip(self._names, given, strict=True)
        headers = {name: value for name, value in pairs if value is not None}
        return Browser(self._agents.read(headers), self._headers.pick(headers))
