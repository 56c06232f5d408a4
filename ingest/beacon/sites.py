"""The sites that this server knows, and what holds for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ingest.beacon.origin import origin_of
from ingest.beacon.url import PageUrls


class OriginFound(StrEnum):
    """Whether a ping comes from one of its site's own origins, as the event says."""

    ALLOWED = "allowed"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"
    """It names no page, or no origins are listed for the site."""


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What holds for one site."""

    urls: PageUrls
    """Cleans its pages' addresses."""
    origins: frozenset[bytes] = frozenset()
    """As `origin_of` writes them; none: not listed."""
    public: bool = True
    """Whether anyone may read its counts."""
    token_hash: bytes = b""
    """SHA-256 of the token with which the counts of a private site are read."""

    def origin(self, origin: bytes | None, referer: bytes | None, url: object) -> OriginFound:
        """Say where a ping comes from: by what the browser says before what the page says.

        That is `Origin`, then `Referer`, then the page's address `url` as the ping gives it.
        """
        if not self.origins:
            return OriginFound.UNKNOWN
        for page in (origin, referer, url):
            text = page.encode() if isinstance(page, str) else page
            if isinstance(text, bytes) and b"://" in text:  # `null` names none
                known = origin_of(text) in self.origins
                return OriginFound.ALLOWED if known else OriginFound.FOREIGN
        return OriginFound.UNKNOWN


class Sites:
    """Looks sites up. Without a list every well-formed name is a public site."""

    def __init__(self, urls: PageUrls, listed: Mapping[str, SiteRules] | None = None) -> None:
        """`urls` are for sites without rules of their own; `listed` is by name, in lower case."""
        self._any = SiteRules(urls)
        self._listed = listed

    @property
    def listed(self) -> bool:
        """Whether there is a list: only what is on it is a site."""
        return self._listed is not None

    @property
    def any_private(self) -> bool:
        """Whether some are read with a token only."""
        return any(not rules.public for rules in (self._listed or {}).values())

    def replace(self, listed: Mapping[str, SiteRules]) -> None:
        """Go by another list from now on."""
        self._listed = listed

    def rules(self, site: str) -> SiteRules | None:
        """The rules of a site by its name in lower case; None: it is none of ours."""
        return self._any if self._listed is None else self._listed.get(site)
