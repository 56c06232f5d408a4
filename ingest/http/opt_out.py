"""The opt-out: a page with the status and one button, and the same for scripts of other sites."""

from http import HTTPStatus
from urllib.parse import parse_qs

import orjson

from ingest.beacon.consent import gpc, has_no_cookies, has_opted_out
from ingest.beacon.hit import Hit
from ingest.beacon.known import ORIGIN
from ingest.beacon.site import site_name
from ingest.config import Signals
from ingest.http import cookies, cors
from ingest.http.opt_out_page import PATH_IN, PATH_OUT, TITLE, Seen, body, refusal
from ingest.http.own_origin import OwnOrigin
from ingest.http.page import asks_for_page, page, page_reply
from ingest.http.problem import problem
from ingest.http.reply import JSON, NO_STORE, NOSNIFF, Header, Reply, reply
from ingest.outcome import Outcome, Route

__all__ = ["PATH_IN", "PATH_OUT", "PATH_STATUS", "OptOut"]
PATH_STATUS = "/opt-out/status"
_DONE_OUT = "done=out"
_DONE_IN = "done=in"
"""Tell the page, after its button, which it was: whether the cookie was kept shows only then."""


class OptOut:
    """Answers for the opt-out routes."""

    def __init__(self, own: OwnOrigin, signals: Signals) -> None:
        self._own = own
        self._signals = signals

    async def show(self, hit: Hit) -> Reply:
        """`GET /opt-out`: the status in words, and the button that changes it."""
        done = hit.query.decode("ascii")
        seen = Seen(
            cookies.choice(hit.head),
            gpc(hit.head),
            self._signals.gpc,
            self._own.secure(hit.peer, hit.head),
            has_no_cookies(hit.head),
            done in (_DONE_OUT, _DONE_IN),
            done == _DONE_OUT,
        )
        which = cookies.renewal(hit.head, seen.secure)
        again = cookies.RENEWALS[which] if seen.opted_out else ()
        return page_reply(page(TITLE, body(seen)), again)

    async def status(self, hit: Hit) -> Reply:
        """`GET /opt-out/status`: for the privacy pages of other sites."""
        out = has_opted_out(hit.head)
        said = {"opted_out": out, "gpc": gpc(hit.head)}
        if has_no_cookies(hit.head) and not out:
            said["readable"] = False  # only where `opted_out` would be a guess
        headers = (JSON, NO_STORE, NOSNIFF, *cors.with_credentials(hit.head))
        return reply(HTTPStatus.OK, headers, orjson.dumps(said), Route.PAGE, Outcome.PAGE)

    async def leave(self, hit: Hit) -> Reply:
        """`POST /opt-out`."""
        return self._change(hit, out=True)

    async def join(self, hit: Hit) -> Reply:
        """`POST /opt-in`."""
        return self._change(hit, out=False)

    def _change(self, hit: Hit, *, out: bool) -> Reply:
        given = parse_qs(hit.query.decode("ascii"), keep_blank_values=True).get("site")
        if given is not None:
            return self._change_here(hit, given[0], out=out)
        origin = (hit.head.value(ORIGIN) or b"").decode("latin-1").lower()
        if not origin or origin != self._own.of(hit.peer, hit.head):
            return _forbidden(hit)
        done = _DONE_OUT if out else _DONE_IN
        headers = (("Location", f"{PATH_OUT}?{done}"), NO_STORE, *self._cookies(hit, out=out))
        return reply(HTTPStatus.SEE_OTHER, headers, b"", Route.PAGE, Outcome.PAGE)

    def _cookies(self, hit: Hit, *, out: bool) -> tuple[Header, ...]:
        """The page shows one status and has one button: that of our own pages gives way to it.

        It goes first: browsers that know no `Partitioned` have one cookie of the name, and the
        last word counts.
        """
        secure = self._own.secure(hit.peer, hit.head)
        here = cookies.opt_in_here(secure) if cookies.choice(hit.head).here else ()
        if out:
            return (*here, cookies.opt_out(secure), cookies.forget_uid(secure))
        return (*here, cookies.opt_in(secure))

    def _change_here(self, hit: Hit, site: str, *, out: bool) -> Reply:
        """The per-site form: a credentialed request from the site itself, for that site only."""
        if _is_form(hit):
            return _forbidden(hit)  # one of anywhere: the cookies would be our own pages'
        allowed = cors.with_credentials(hit.head)
        if site_name(site) is None:
            members: dict[str, object] = {"field": "site"}
            detail = "site is missing or is no site's name"
            return problem(400, detail, Route.PAGE, Outcome.PAGE, headers=allowed, members=members)
        set_cookies = self._cookies_here(hit, out=out)
        headers = (NO_STORE, *allowed, *set_cookies)
        return reply(HTTPStatus.NO_CONTENT, headers, b"", Route.PAGE, Outcome.PAGE)

    def _cookies_here(self, hit: Hit, *, out: bool) -> tuple[Header, ...]:
        """None where they would change the choice for all sites.

        That is over plain HTTP, where no cookie is partitioned; and in browsers that know no
        `Partitioned`, when what they show us is no site's own choice.
        """
        if not self._own.secure(hit.peer, hit.head):
            return ()
        if out:
            return (*cookies.opt_out_here(True), cookies.forget_uid(True))
        found = cookies.choice(hit.head)
        return () if found.everywhere and not found.here else cookies.opt_in_here(True)


def _is_form(hit: Hit) -> bool:
    """Whether the visitor is taken here, told by `Accept` too: Safari before 16.4 has no other."""
    return hit.headers.get(b"sec-fetch-mode") == b"navigate" or asks_for_page(hit.headers)


def _forbidden(hit: Hit) -> Reply:
    """Say why; in words to whoever pressed a button in a browser."""
    if asks_for_page(hit.headers):
        return page_reply(page("Nothing was changed", refusal()), status=HTTPStatus.FORBIDDEN)
    detail = (
        "Origin must be this server's own (http.public_url): use the button on its opt-out page"
    )
    return problem(HTTPStatus.FORBIDDEN, detail, Route.PAGE, Outcome.PAGE)
