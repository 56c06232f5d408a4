"""The demonstration: both widgets at work, and what to put into a page to have them."""

from http import HTTPStatus
from urllib.parse import parse_qs

from ingest.beacon.hit import Hit
from ingest.beacon.site import site_name
from ingest.beacon.sites import Sites
from ingest.config import Config, Widget
from ingest.http.own_origin import OwnOrigin
from ingest.http.page import SCRIPTS, page, page_reply
from ingest.http.reply import NO_STORE, NOSNIFF, Reply, reply
from ingest.http.static import ASSETS, JAVASCRIPT
from ingest.http.templates import render
from ingest.outcome import Outcome, Route

PATH_DEMO = "/demo"
PATH_DEMO_SCRIPT = "/demo.js"
_SITE = "demo"
"""The site of the page's own visits."""


class Demo:
    """Answers for `/demo`; `?site=` puts a site's own name into the snippets.

    With a sites file only what works is offered: no snippet whose pings would be rejected.
    """

    def __init__(self, own: OwnOrigin, config: Config, sites: Sites) -> None:
        self._own = own
        self._names = config.widget
        self._contact = config.privacy.contact
        self._sites = sites

    async def show(self, hit: Hit) -> Reply:
        """`GET /demo`."""
        given = parse_qs(hit.query.decode("ascii")).get("site", [""])[0]
        named = site_name(given.strip())
        at_work = self._sites.rules(_SITE) is not None
        site = named or (_SITE if at_work else None)
        rules = None if site is None else self._sites.rules(site)
        origin = self._own.of(hit.peer, hit.head)
        body = render(
            "demo.html",
            site=site or "",
            own_site=_SITE,
            bad_name=bool(given) and named is None,
            refused=site is not None and rules is None,
            snippets=rules is not None,
            private=rules is not None and not rules.public,
            at_work=at_work,
            free=free(origin, site or ""),
            pro=pro(origin, site or "", self._names),
            script=self._names.script_path,
            contact=self._contact,
        )
        return page_reply(page("The widgets", body), more_policy=SCRIPTS)


async def demo_script(_hit: Hit) -> Reply:
    """`GET /demo.js`: shows what the Pro widget sends, and copies snippets."""
    body = (ASSETS / "demo.js").read_bytes()
    headers = (JAVASCRIPT, NO_STORE, NOSNIFF)
    return reply(HTTPStatus.OK, headers, body, Route.PAGE, Outcome.PAGE)


def free(origin: str, site: str) -> str:
    """Return the free widget's snippet: it leads to the live page.

    Its policy lets the page's address through to us.
    """
    return (
        f'<a href="{origin}/live/{site}"><img src="{origin}/badge/{site}.svg"\n'
        '  alt="visitors online" referrerpolicy="no-referrer-when-downgrade"></a>'
    )


def pro(origin: str, site: str, names: Widget) -> str:
    """Return the Pro widget's snippet."""
    return f'<script defer src="{origin}{names.script_path}" data-site="{site}"></script>'
