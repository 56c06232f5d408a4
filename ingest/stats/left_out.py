"""Page views of bots, which are not counted: so that a page that stays empty can say why."""

_SITES = 10_000


class LeftOut:
    """Since the start, by site. Of too many sites those that were seen first are forgotten."""

    def __init__(self, sites: int = _SITES) -> None:
        self._bound = sites
        self._views: dict[str, int] = {}

    def add(self, site: str) -> None:
        """Note a page view."""
        self._views[site] = self._views.get(site, 0) + 1
        if len(self._views) > self._bound:
            del self._views[next(iter(self._views))]

    def of(self, site: str) -> int:
        """How many were left out: at least this many."""
        return self._views.get(site, 0)
