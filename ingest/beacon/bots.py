"""Known bots, by the list of the `crawler-user-agents` package (see docs/bots.md)."""

import re
from collections.abc import Iterable

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser.lazy import UserAgentMatcher
from ua_parser.regex import Resolver

_PEOPLE = frozenset(
    {
        r"AP3A\.240617\.008",  # many makers' Android 15, told by browsers inside apps
        "Sogou",  # Sogou's browsers too; its spiders are found by other patterns
    }
)
"""Patterns of the list that match people, left out (docs/bots.md says how that was measured)."""


class Bots:
    """Tells bots by their user agents. `pip install -U crawler-user-agents` updates the list.

    ua-parser's engine, in Rust, looks for all 1,500 patterns at once: 1–5 µs. The package's own
    function takes 200 µs for a browser, and 1,000 for 1,024 bytes of noise, for which anybody
    could make us pay once a request.
    """

    def __init__(self) -> None:
        listed = (str(entry["pattern"]) for entry in CRAWLER_USER_AGENTS_DATA)
        patterns = [pattern for pattern in listed if pattern not in _PEOPLE]
        refused: list[str] = []
        try:
            self._resolver = _resolver(patterns)
        except ValueError:  # a newer list may hold a pattern that the engine does not know
            refused = [pattern for pattern in patterns if not _is_known(pattern)]
            self._resolver = _resolver(set(patterns).difference(refused))
        self._others = tuple(re.compile(pattern) for pattern in refused)

    def is_bot(self, user_agent: str) -> bool:
        """Whether a user agent is on the list; an empty one is not."""
        if self._resolver.ua.extract(user_agent) is not None:
            return True
        return any(pattern.search(user_agent) for pattern in self._others)


def _resolver(patterns: Iterable[str]) -> Resolver:
    return Resolver(([UserAgentMatcher(pattern, "bot") for pattern in patterns], [], []))


def _is_known(pattern: str) -> bool:
    """Whether the engine takes a pattern: it has no look-around and no back-references."""
    try:
        _resolver([pattern])
    except ValueError:
        return False
    return True
