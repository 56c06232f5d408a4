"""What an event says of a browser."""

from functools import lru_cache

from ingest.beacon.agent import Agent, Agents
from ingest.beacon.hit import RequestHead
from ingest.beacon.known import (
    NAMES,
    SEC_CH_UA,
    SEC_CH_UA_MOBILE,
    SEC_CH_UA_PLATFORM,
    USER_AGENT,
    mask,
)
from ingest.beacon.remembered import Remembered
from ingest.beacon.written import fields_text

_REMEMBERED = 10_000
_SHORT = 512
"""Bytes of one browser's values that are remembered at most: 5 MB of all, and their texts."""
_FIELDS = (USER_AGENT, SEC_CH_UA, SEC_CH_UA_MOBILE, SEC_CH_UA_PLATFORM)
_NAMES = tuple(NAMES[number] for number in _FIELDS)
_HINTS = mask(_FIELDS[1:])
_alike = lru_cache(_REMEMBERED)(bytes)
"""Texts that are alike are one object, which stays in the processor's caches."""


class Browser:
    """What events say of one browser; not to be changed: it is remembered."""

    __slots__ = ("bot", "name", "private", "shared")

    def __init__(self, agent: Agent) -> None:
        self.bot = agent.bot
        self.shared = _alike(_kind(agent, True))
        """Of a visitor whose events may be shared."""
        self.private = _alike(_kind(agent, False))
        """Of one whose events may not."""
        self.name = _alike(_name(agent))


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
    """Tells a browser by what it remembers; `Agents` has the rules."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._remembered = Remembered(self._told, _REMEMBERED)

    def of(self, head: RequestHead, user_agent: bytes) -> Browser:
        """Tell it by a head, whose user agent, empty where there is none, was read."""
        given: tuple[bytes, ...] = (user_agent,)
        size = len(user_agent)
        if head.seen & _HINTS:
            brands = head.value(SEC_CH_UA) or b""
            mobile = head.value(SEC_CH_UA_MOBILE) or b""
            platform = head.value(SEC_CH_UA_PLATFORM) or b""
            given = (user_agent, brands, mobile, platform)
            size += len(brands) + len(mobile) + len(platform)
        told: Browser = self._remembered.get(given) if size <= _SHORT else self._told(given)
        return told

    def _told(self, given: tuple[bytes, ...]) -> Browser:
        return Browser(self._agents.read(dict(zip(_NAMES, given, strict=False))))
