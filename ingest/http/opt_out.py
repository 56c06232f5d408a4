"""The opt-out: a page with the status and one button, and the same for scripts of other sites."""

from http import HTTPStatus
from urllib.parse import parse_qs

import orjson

from ingest.beacon.consent import gpc, opted_out
from ingest.beacon.hit import Hit
from ingest.beacon.site import site_name
from ingest.http import cookies, cors
from ingest.http.own_origin import OwnOrigin
from ingest.http.page import page, page_reply
from ingest.http.problem import problem
from ingest.http.reply import NO_STORE, NOSNIFF, Header, Reply, reply
from ingest.outcome import Outcome, Route

PATH_OUT = "/opt-out"
PATH_IN = "/opt-in"
PATH_STATUS = "/opt-out/status"
_JSON: Header = ("Content-Type", "application/json")
_LAX = (
    "<p>This server is reached without HTTPS. The choice you make here is kept for this address, "
    "but browsers will not send it along from other sites, so it does not reach them.</p>"
)


class OptOut:
    """Answers for the opt-out routes."""

    def __init__(self, own: OwnOrigin) -> None:
        self._own = own

    async def show(self, hit: Hit) -> Reply:
        """`GET /opt-out`: the status in words, and the button that changes it."""
        out = opted_out(hit.headers)
        secure = self._own.secure(hit.peer, hit.headers)
        again = (cookies.opt_out(secure),) if out else ()  # browsers keep it for 400 days at most
        return page_reply(page("Opt out of counting", _body(out, gpc(hit.headers), secure)), again)

    async def status(self, hit: Hit) -> Reply:
        """`GET /opt-out/status`: for the privacy pages of other sites."""
        body = orjson.dumps({"opted_out": opted_out(hit.headers), "gpc": gpc(hit.headers)})
        headers = (_JSON, NO_STORE, NOSNIFF, *cors.with_credentials(hit.headers))
        return reply(HTTPStatus.OK, headers, body, Route.PAGE, Outcome.PAGE)

    async def leave(self, hit: Hit) -> Reply:
        """`POST /opt-out`."""
        return self._change(hit, out=True)

    async def join(self, hit: Hit) -> Reply:
        """`POST /opt-in`."""
        return self._change(hit, out=False)

    def _change(self, hit: Hit, *, out: bool) -> Reply:
        if hit.query:
            return self._change_here(hit, out=out)
        origin = hit.headers.get(b"origin", b"").decode("latin-1").lower()
        if not origin or origin != self._own.of(hit.peer, hit.headers):
            detail = "Origin must be this server's own: use the button on its opt-out page"
            return problem(HTTPStatus.FORBIDDEN, detail, Route.PAGE, Outcome.PAGE)
        secure = self._own.secure(hit.peer, hit.headers)
        set_cookies = (cookies.opt_out(secure), cookies.forget_uid(secure))
        if not out:
            set_cookies = (cookies.opt_in(secure),)  # type: ignore[assignment]
        headers = (("Location", PATH_OUT), NO_STORE, *set_cookies)
        return reply(HTTPStatus.SEE_OTHER, headers, b"", Route.PAGE, Outcome.PAGE)

    def _change_here(self, hit: Hit, *, out: bool) -> Reply:
        """The per-site form: a credentialed request from the site itself, for that site only."""
        allowed = cors.with_credentials(hit.headers)
        given = parse_qs(hit.query.decode("ascii")).get("site", [""])[0]
        if site_name(given) is None:
            members: dict[str, object] = {"field": "site"}
            detail = "site is missing or is no site's name"
            return problem(400, detail, Route.PAGE, Outcome.PAGE, headers=allowed, members=members)
        set_cookies = self._cookies_here(hit, out=out)
        headers = (NO_STORE, *allowed, *set_cookies)
        return reply(HTTPStatus.NO_CONTENT, headers, b"", Route.PAGE, Outcome.PAGE)

    def _cookies_here(self, hit: Hit, *, out: bool) -> tuple[Header, ...]:
        """None over plain HTTP: unpartitioned, they would change the choice for all sites."""
        if not self._own.secure(hit.peer, hit.headers):
            return ()
        if out:
            return (cookies.opt_out_here(True), cookies.forget_uid(True))
        return (cookies.opt_in_here(True),)


def _body(out: bool, signal: bool, secure: bool) -> str:
    status = (
        "You have opted out: no visit is counted on any site from which your browser sends us "
        "this choice."
        if out
        else "You have not opted out: your visits are counted, without personal data."
    )
    action, button = (PATH_IN, "Count my visits again") if out else (PATH_OUT, "Opt out everywhere")
    told = "tells" if signal else "does not tell"
    return (
        f'<p id="status"><strong>{status}</strong></p>'
        f'<form method="post" action="{action}"><button>{button}</button></form>'
        "<p>Your choice is kept in a cookie of this server, which holds nothing but the choice. "
        "Where your browser blocks third-party cookies it is not sent along from the sites you "
        "visit, so that we cannot see it there, and your visit is counted like any other.</p>"
        '<p><a href="https://globalprivacycontrol.org/">Global Privacy Control</a>, a setting of '
        "some browsers, reaches every site and needs no cookie; what it does here is up to this "
        "server's operator, by default it keeps your visits from our partners. "
        f'<span id="gpc">Your browser {told} us that it is on.</span></p>'
        f"{'' if secure else _LAX}"
    )
