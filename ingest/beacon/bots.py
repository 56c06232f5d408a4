"""Known bots, by the list of the `crawler-user-agents` package."""

import re

from crawleruseragents import CRAWLER_USER_AGENTS_DATA


class Bots:
    """Tells bots by their user agents. `pip install -U crawler-user-agents` updates the list."""

    def __init__(self) -> None:
        patterns = (str(entry["pattern"]) for entry in CRAWLER_USER_AGENTS_DATA)
        self._known = re.compile("|".join(patterns))

    def is_bot(self, user_agent: str) -> bool:
        """Whether a user agent is on the list; an empty one is not."""
        return self._known.search(user_agent) is not None
