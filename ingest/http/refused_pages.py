"""Pages that say why there is nothing to see, and what to do about it."""

from http import HTTPStatus

from ingest.beacon.hit import Hit
from ingest.config import Privacy
from ingest.http.access import CHALLENGE, PATH_LIVE, Reading
from ingest.http.cookies import READ_MAX_AGE
from ingest.http.own_origin import OwnOrigin
from ingest.http.page import page, page_reply
from ingest.http.reply import Reply
from ingest.http.templates import render
from ingest.outcome import Route

_DAY = 86_400


class SiteRefusals:
    """In place of a site's page: to read it a token is needed, or there is no such site."""

    def __init__(self, own: OwnOrigin, privacy: Privacy) -> None:
        self._own = own
        self._contact = privacy.contact

    def show(self, reading: Reading, site: str, hit: Hit, *, wrong: bool) -> Reply:
        """`reading` is why `site`, a name in lower case, is not shown; `wrong` if for its token."""
        if reading is Reading.NO_SITE:
            body = render("unlisted.html", site=site, contact=self._contact)
            return page_reply(page("No such site", body), status=HTTPStatus.NOT_FOUND)
        body = render(
            "private.html",
            site=site,
            contact=self._contact,
            wrong=wrong,
            secure=self._own.secure(hit.peer, hit.head),
            days=READ_MAX_AGE // _DAY,
        )
        html = page("This site's counts are private", body)
        return page_reply(html, (CHALLENGE,), status=HTTPStatus.UNAUTHORIZED)


def no_name(route: Route = Route.PAGE) -> Reply:
    """In place of the page of a site whose name none can have."""
    html = page("That is no site's name", render("no_name.html"))
    return page_reply(html, status=HTTPStatus.NOT_FOUND, route=route)


def nothing(path: str) -> Reply:
    """In place of a page at a path that is none of ours."""
    if path.startswith(PATH_LIVE):
        return no_name(Route.NONE)
    html = page("There is nothing here", render("nothing.html"))
    return page_reply(html, status=HTTPStatus.NOT_FOUND, route=Route.NONE)


def away() -> Reply:
    """In place of a page of another machine, which does not answer."""
    html = page("The numbers are away", render("away.html"))
    return page_reply(html, status=HTTPStatus.BAD_GATEWAY)
