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
from ingest.beacon.scan import mixed, same
from ingest.beacon.written import fields_text

_REMEMBERED = 10_000
_SHORT = 512
"""Bytes of one browser's values that are remembered at most: 9 MB of all, and their texts."""
_PLACES = 8_192
_TO_PLACE = 64 - (_PLACES - 1).bit_length()
"""What leaves the highest bits, the best mixed, as many as name a place."""
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


class _Known:
    """A browser, and by what it is known: what heads say that name it."""

    __slots__ = ("agent", "brands", "browser", "mobile", "platform")

    def __init__(self, given: tuple[bytes, ...], browser: Browser) -> None:
        self.agent, self.brands, self.mobile, self.platform = given
        self.browser = browser


class Browsers:
    """Tells a browser by what it remembers; `Agents` has the rules.

    In front of the memory by value stands a table of `_PLACES`, in which a head's own bytes are
    looked up where they stand, without an object made of each. There a browser takes the place of
    the one before it.
    """

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._remembered = Remembered(self._told, _REMEMBERED)
        self._known: list[_Known | None] = [None] * _PLACES

    def of(self, head: RequestHead) -> Browser:
        """Tell it by a head."""
        text, begins, ends = head.text, head.begins, head.ends
        bits = mixed(text, begins[USER_AGENT], ends[USER_AGENT], 0)
        if head.seen & _HINTS:
            bits = mixed(text, begins[SEC_CH_UA], ends[SEC_CH_UA], bits)
            bits = mixed(text, begins[SEC_CH_UA_MOBILE], ends[SEC_CH_UA_MOBILE], bits)
            bits = mixed(text, begins[SEC_CH_UA_PLATFORM], ends[SEC_CH_UA_PLATFORM], bits)
        place = bits >> _TO_PLACE
        known = self._known[place]
        if (
            known is not None
            and same(text, begins[USER_AGENT], ends[USER_AGENT], known.agent)
            and same(text, begins[SEC_CH_UA], ends[SEC_CH_UA], known.brands)
            and same(text, begins[SEC_CH_UA_MOBILE], ends[SEC_CH_UA_MOBILE], known.mobile)
            and same(text, begins[SEC_CH_UA_PLATFORM], ends[SEC_CH_UA_PLATFORM], known.platform)
        ):
            return known.browser
        return self._looked_up(head, place)

    def _looked_up(self, head: RequestHead, place: int) -> Browser:
        given = tuple([head.value(known) or b"" for known in _FIELDS])
        if sum(map(len, given)) > _SHORT:
            return self._told(given)
        browser: Browser = self._remembered.get(given)
        self._known[place] = _Known(given, browser)
        return browser

    def _told(self, given: tuple[bytes, ...]) -> Browser:
        return Browser(self._agents.read(dict(zip(_NAMES, given, strict=True))))
