"""What a request's fields tell of its browser: who it is, and which of them are kept."""

from collections.abc import Mapping

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

_REMEMBERED = 10_000
_SHORT = 512
"""Bytes of one browser's values that are remembered at most: 5 MB of all."""
_AGENT = (USER_AGENT, SEC_CH_UA, SEC_CH_UA_MOBILE, SEC_CH_UA_PLATFORM)


class Browser:
    """Both of one browser; not to be changed, since it is remembered."""

    __slots__ = ("agent", "headers")

    def __init__(self, agent: Agent, headers: Mapping[str, str]) -> None:
        self.agent = agent
        self.headers = headers


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
