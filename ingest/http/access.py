"""Who may read a site's counts: anyone, or with the site's token.

For pages, badge and API alike. The token comes as `Authorization: Bearer TOKEN` (RFC 6750), or once
as `/live/SITE?token=TOKEN` or in that page's form, for a cookie that no script can read. The cookie
does not hold the token but a proof that it was given, which only this server can make: not even
the sites file, with its hashes of tokens, is enough for that.
"""

import hmac
import re
from collections.abc import Mapping
from enum import Enum
from hashlib import sha256
from http import HTTPStatus

from ingest.beacon.hit import Hit
from ingest.beacon.query import read_query
from ingest.beacon.site import SITE_RULE
from ingest.beacon.sites import SiteRules, Sites
from ingest.http import cookies
from ingest.http.badge import NumberFor
from ingest.http.own_origin import OwnOrigin
from ingest.http.problem import problem
from ingest.http.reply import NO_STORE, Header, Reply, reply
from ingest.outcome import Outcome, Route

PATH_LIVE = "/live/"
"""Where the sites' pages are."""
CHALLENGE: Header = ("WWW-Authenticate", 'Bearer realm="beacon"')
_BEARER = re.compile(rb"bearer +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)
_FIELDS = {"token": "token"}
_NO_REFERRER: Header = ("Referrer-Policy", "no-referrer")


class Reading(Enum):
    """What a request may read of a site."""

    PUBLIC = "public"
    """All: anyone may, and scripts of other sites too."""
    GRANTED = "granted"
    """All: it carries the token of a private site."""
    DENIED = "denied"
    """Nothing: the site is private, and the token is missing or wrong."""
    NO_SITE = "no site"
    """Nothing: no site of this name is known."""
    NO_NAME = "no name"
    """Nothing: no site can have this name."""

    @property
    def allowed(self) -> bool:
        """Whether it may read."""
        return self in (Reading.PUBLIC, Reading.GRANTED)


_REFUSALS: Mapping[Reading, tuple[HTTPStatus, str, tuple[Header, ...]]] = {
    Reading.DENIED: (
        HTTPStatus.UNAUTHORIZED,
        "this site's counts are read with its token: Authorization: Bearer TOKEN",
        (CHALLENGE, _NO_REFERRER),
    ),
    Reading.NO_SITE: (HTTPStatus.NOT_FOUND, "there is no site of this name here", ()),
    Reading.NO_NAME: (HTTPStatus.NOT_FOUND, f"that is no site's name: {SITE_RULE}", ()),
}


class Access:
    """Decides who may read, by the sites as they are now."""

    def __init__(self, sites: Sites, own: OwnOrigin, key: bytes) -> None:
        """`key` is this server's own: cookies are made with it."""
        self._sites = sites
        self._own = own
        self._key = key

    def is_public(self, site: str) -> bool:
        """Whether anyone may read: the badge shows its number then. `site` is in lower case."""
        rules = self._sites.rules(site)
        return rules is not None and rules.public

    def if_public(self, number_for: NumberFor) -> NumberFor:
        """Make `number_for` answer None for sites that not everyone may read."""

        def number(site: str) -> int | None:
            return number_for(site) if self.is_public(site) else None

        return number

    def reading(self, site: str, headers: Mapping[bytes, bytes]) -> Reading:
        """What a request with these headers may read of `site`, a name in lower case."""
        rules = self._sites.rules(site)
        if rules is None:
            return Reading.NO_SITE
        if rules.public:
            return Reading.PUBLIC
        bearer = _BEARER.fullmatch(headers.get(b"authorization", b"").strip())
        known = bearer is not None and _is(bearer[1], rules.token_hash)
        proof = self._proof(site, rules).encode()
        if known or hmac.compare_digest(cookies.reader_proof(headers, site), proof):
            return Reading.GRANTED
        return Reading.DENIED

    def exchange(self, site: str, token: str, hit: Hit) -> Reply | Reading:
        """Take a token for a cookie, and lead to the site's page; else say what is in the way.

        The cookie is `SameSite=Strict`: a browser that came from another site's link does not send
        it on the redirect. `Sec-Fetch-Site: cross-site` without the cookie means that; a page that
        reloads itself gets it.
        """
        rules = self._sites.rules(site)
        if rules is None:
            return Reading.NO_SITE
        headers: tuple[Header, ...] = (("Location", hit.path), NO_STORE, _NO_REFERRER)
        if not rules.public:
            if not _is(token.encode(), rules.token_hash):
                return Reading.DENIED
            secure = self._own.secure(hit.peer, hit.head)
            headers = (*headers, cookies.reader(site, self._proof(site, rules), secure))
        return reply(HTTPStatus.SEE_OTHER, headers, b"", Route.PAGE, Outcome.PAGE)

    def _proof(self, site: str, rules: SiteRules) -> str:
        """Of another site, token or server it is another."""
        return hmac.new(self._key, rules.token_hash + site.encode(), sha256).hexdigest()


def given_token(fields: bytes) -> str | None:
    """Return `token` of a query or a form; None: none is given."""
    token = read_query(fields, _FIELDS).values.get("token")
    return token.strip() if isinstance(token, str) else None


def denied(reading: Reading, headers: tuple[Header, ...] = ()) -> Reply:
    """The answer to a program's request that may not read; `headers` are added to it."""
    status, detail, own = _REFUSALS[reading]
    return problem(status, detail, Route.PAGE, Outcome.PAGE, headers=(*own, *headers))


def _is(token: bytes, hashed: bytes) -> bool:
    """Compare in a time that does not depend on where they differ."""
    return hmac.compare_digest(sha256(token).digest(), hashed)
