"""The live page, `/live/SITE`: who is there, readable without script, kept up to date with it."""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from urllib.parse import parse_qs

from ingest.beacon.hit import Hit
from ingest.beacon.site import site_name
from ingest.config import Privacy, Widget
from ingest.http import demo
from ingest.http.access import PATH_LIVE, Access, Reading, denied, given_token
from ingest.http.api import PATH_SITES
from ingest.http.live_assets import LiveAssets, country_names
from ingest.http.live_view import live_view
from ingest.http.own_origin import OwnOrigin
from ingest.http.page import asks_for_page
from ingest.http.refused_pages import SiteRefusals, no_name
from ingest.http.reply import NO_STORE, NOSNIFF, Header, Reply, reply
from ingest.http.static import GZIPPED, VARIES, takes_gzip
from ingest.http.templates import environment
from ingest.outcome import Outcome, Route
from ingest.stats.queries import Queries

PATH_GO = "/live"
"""Leads to the page of `?site=`: for forms."""
_CHANGED = 500
"""Milliseconds for which a page is good although something was counted; the script waits longer."""
_SHARE = 20
"""It is good for this many times as long as it took to make: 5 % of a core for one site at most."""
_UNCHANGED = 2_000
"""Milliseconds for which it is good otherwise: "now" falls by itself."""
_PAGES_KEPT = 256
_ORIGIN = "https://origin.invalid"
"""Stands for our own, which whoever asks may choose by `Host`, in a page that is kept."""
_HEADERS: tuple[Header, ...] = (
    ("Content-Type", "text/html; charset=utf-8"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("Referrer-Policy", "same-origin"),
    VARIES,
    NO_STORE,
    NOSNIFF,
)


_AGAIN = reply(
    HTTPStatus.OK,
    _HEADERS,
    b'<!doctype html><html lang="en"><meta charset="utf-8"><title>One moment</title>'
    b'<meta http-equiv="refresh" content="0"><p>One moment.</p>',
    Route.PAGE,
    Outcome.PAGE,
)
"""For a link from another site: the cookie is `SameSite=Strict`, and sent on the reload."""


@dataclass(frozen=True, slots=True)
class _Page:
    """A page, in both encodings."""

    plain: bytes
    packed: bytes
    took: float
    """Seconds that it took to make."""
    empty: bool
    """It has nothing but the snippets, which name our origin."""

    def at(self, origin: str) -> "_Page":
        """Return it for who asked for it under `origin`; that of an empty one is cheap to make."""
        if not self.empty:
            return self
        plain = self.plain.replace(_ORIGIN.encode(), escape(origin).encode())
        return _Page(plain, _packed(plain), self.took, self.empty)


@dataclass(frozen=True, slots=True)
class _Made:
    """A page that was made, or is being made."""

    at: int
    version: int
    """What was counted by then."""
    page: "asyncio.Task[_Page]"


class Live:
    """Answers for the live pages."""

    def __init__(
        self,
        queries: Queries,
        access: Access,
        own: OwnOrigin,
        names: Widget,
        privacy: Privacy,
        clock: Callable[[], int],
    ) -> None:
        """`clock` returns epoch milliseconds."""
        self.assets = LiveAssets()
        self._queries = queries
        self._access = access
        self._own = own
        self._names = names
        self._refusals = SiteRefusals(own, privacy)
        self._clock = clock
        self._countries = country_names()
        self._template = environment().get_template("live.html")
        self._made: OrderedDict[str, _Made] = OrderedDict()

    async def show(self, hit: Hit) -> Reply:
        """`GET /live/SITE`."""
        site = site_name(hit.path.removeprefix(PATH_LIVE))
        if site is None:
            return _no_name(hit)
        token = given_token(hit.query)
        if token is not None:
            return self._exchange(site, token, hit)
        reading = self._access.reading(site, hit.headers)
        if _came_from_elsewhere(reading, hit):
            return _AGAIN
        if not reading.allowed:
            return self._refuse(reading, site, hit)
        origin = self._own.of(hit.peer, hit.head)
        page = (await asyncio.shield(self._page(site))).at(origin)
        if takes_gzip(hit.headers):
            headers = (*_HEADERS, GZIPPED)
            return reply(HTTPStatus.OK, headers, page.packed, Route.PAGE, Outcome.PAGE)
        return reply(HTTPStatus.OK, _HEADERS, page.plain, Route.PAGE, Outcome.PAGE)

    async def enter(self, hit: Hit) -> Reply:
        """`POST /live/SITE`: the form that asks for a private site's token.

        Whoever sends it knows the token, so that it matters not from where.
        """
        site = site_name(hit.path.removeprefix(PATH_LIVE))
        if site is None:
            return _no_name(hit)
        return self._exchange(site, given_token(hit.body) or "", hit)

    async def go(self, hit: Hit) -> Reply:
        """`GET /live?site=SITE`: lead to the site's page."""
        given = parse_qs(hit.query.decode("ascii")).get("site", [""])[0]
        site = site_name(given.strip())
        if site is None:
            return _no_name(hit)
        headers = (("Location", f"{PATH_LIVE}{site}"), NO_STORE)
        return reply(HTTPStatus.SEE_OTHER, headers, b"", Route.PAGE, Outcome.PAGE)

    def _exchange(self, site: str, token: str, hit: Hit) -> Reply:
        exchanged = self._access.exchange(site, token, hit)
        if isinstance(exchanged, Reading):
            return self._refuse(exchanged, site, hit, wrong=True)
        return exchanged

    def _refuse(self, reading: Reading, site: str, hit: Hit, *, wrong: bool = False) -> Reply:
        if asks_for_page(hit.headers):
            return self._refusals.show(reading, site, hit, wrong=wrong)
        return denied(reading)

    def _page(self, site: str) -> "asyncio.Task[_Page]":
        """Make the page, or take the one that was made a moment ago: many look at one site."""
        now, version = self._clock(), self._queries.version(site)
        made = self._made.get(site)
        if made is None or not _fresh(made, now, version):
            page = asyncio.get_running_loop().create_task(self._make(site, now))
            made = self._made[site] = _Made(now, version, page)
            if len(self._made) > _PAGES_KEPT:
                self._made.popitem(last=False)
        return made.page

    async def _make(self, site: str, now: int) -> _Page:
        time = asyncio.get_running_loop().time
        begun = time()
        view = await live_view(self._queries, self._countries, site, now)
        html = self._template.render(
            view=view,
            assets=self.assets.addresses,
            stream=f"{PATH_SITES}{site}/stream",
            free=demo.free(_ORIGIN, site),
            pro=demo.pro(_ORIGIN, site, self._names),
        ).encode()
        return _Page(html, _packed(html), time() - begun, view.empty)


def _packed(plain: bytes) -> bytes:
    return gzip.compress(plain, 5, mtime=0)


def _no_name(hit: Hit) -> Reply:
    return no_name() if asks_for_page(hit.headers) else denied(Reading.NO_NAME)


def _came_from_elsewhere(reading: Reading, hit: Hit) -> bool:
    return reading is Reading.DENIED and hit.headers.get(b"sec-fetch-site") == b"cross-site"


def _fresh(made: _Made, now: int, version: int) -> bool:
    if not made.page.done():
        return True
    if made.page.cancelled() or made.page.exception() is not None:
        return False
    good = _UNCHANGED if version == made.version else _CHANGED
    return 0 <= now - made.at < max(good, made.page.result().took * 1_000 * _SHARE)
