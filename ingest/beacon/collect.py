"""The spine: what becomes of one beacon request, from consent to the event's bytes."""

from dataclasses import dataclass

from ingest.beacon.agent import Agents
from ingest.beacon.body import BadBody, read_body, read_object
from ingest.beacon.browser import Browsers
from ingest.beacon.consent import Consent, has_no_cookies, has_opted_out
from ingest.beacon.event import EventWriter
from ingest.beacon.event_id import EventIds, normal
from ingest.beacon.fields import BADGE_NAMES, JSON_NAMES, NUMBER, SHORT_NAMES, as_text, by_number
from ingest.beacon.geo import Geo
from ingest.beacon.headers import AllowedHeaders
from ingest.beacon.hit import Hit
from ingest.beacon.named import Names
from ingest.beacon.network import TrustedProxies
from ingest.beacon.query import Given, QueryReader, read_query
from ingest.beacon.rejection import Rejection
from ingest.beacon.site import site_name
from ingest.beacon.sites import Sites
from ingest.beacon.times import Times
from ingest.beacon.verdict import Collected, Verdict, single
from ingest.beacon.visit import Visit
from ingest.beacon.visitor import VisitorNumber, uid_cookie
from ingest.config import VisitorMode
from ingest.outcome import Outcome, Route

BADGE_PREFIX = "/badge/"
BADGE_SUFFIX = ".svg"
_SITE, _NAME, _EVENT_ID = NUMBER["site"], NUMBER["name"], NUMBER["event_id"]
_PIXEL, _BADGE = Route.PIXEL, Route.BADGE  # an enum's member is looked up by Python code
_OPTED_OUT = Collected((Verdict(Outcome.OPTED_OUT),), False)
_IGNORED = Collected((Verdict(Outcome.IGNORED),), False)
_BAD_SITE = "site is missing or bad: a letter or digit, then up to 63 of A-Z a-z 0-9 . _ -"
_NO_SITE = "site is none of those that this server knows"
_BAD_NAME = "name is bad: a-z, then up to 39 of a-z 0-9 _"
_NO_OBJECT = "the item is not a JSON object"


class CollectCounts:
    """Plain integers for metrics."""

    __slots__ = (
        "bots", "dropped_fields", "optout_unreadable", "parsed", "rejected", "unknown_fields",
    )  # fmt: skip

    def __init__(self) -> None:
        self.parsed = 0
        """Events looked at, rejected ones included."""
        self.rejected = 0
        self.bots = 0
        self.unknown_fields = 0
        self.dropped_fields = 0
        self.optout_unreadable = 0
        """Requests whose browser keeps cookies from us, so that no opt-out could be seen."""


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What the collector looks things up with; built once, in `app`."""

    proxies: TrustedProxies
    consent: Consent
    headers: AllowedHeaders
    sites: Sites
    agents: Agents
    geo: Geo
    visitors: VisitorNumber
    visitor_mode: VisitorMode
    ids: EventIds


class Collector:
    """Turns requests into verdicts. No I/O, no clock."""

    def __init__(self, enrichment: Enrichment) -> None:
        self._proxies = enrichment.proxies
        self._consent = enrichment.consent
        self._sites = enrichment.sites
        self._browsers = Browsers(enrichment.agents)
        self._headers = enrichment.headers
        self._geo = enrichment.geo
        self._by_cookie = enrichment.visitor_mode is VisitorMode.COOKIE
        self._times = Times()
        self._query = QueryReader(SHORT_NAMES)
        self._names = Names()
        self._writer = EventWriter(
            enrichment.ids, self._times, enrichment.visitors, enrichment.headers
        )
        self.counts = CollectCounts()

    def collect(self, hit: Hit, now: int) -> Collected:
        """Decide about one request received at `now`, in epoch milliseconds."""
        counts = self.counts
        parsed, rejected = counts.parsed, counts.rejected
        try:
            return self._collected(hit, now)
        except Exception:  # a defect of ours: nothing of the request is stored, nothing counted
            counts.parsed, counts.rejected = parsed, rejected
            raise

    def _collected(self, hit: Hit, now: int) -> Collected:
        if has_opted_out(hit.head):
            return _OPTED_OUT
        if self._consent.ignored(hit):
            return _IGNORED
        if has_no_cookies(hit.head):
            self.counts.optout_unreadable += 1
        visit = self._visit(hit, now)
        if hit.route is _PIXEL:
            values = self._query.read(hit.query)
            return single(self._event(hit, visit, values, self._query.unknown))
        if hit.route is _BADGE:
            return single(self._given(hit, visit, _badge(hit)))
        return self._body(hit, visit)

    def _visit(self, hit: Hit, now: int) -> Visit:
        head = hit.head
        visit = Visit()
        visit.now = now
        visit.received = self._times.text(now)
        visit.network = self._proxies.client(hit.peer, head)
        visit.share = self._consent.share(head)
        visit.browser = self._browsers.of(head)
        visit.place = self._geo.place(visit.network)
        visit.uid = uid_cookie(head) if self._by_cookie else None
        return visit

    def _body(self, hit: Hit, visit: Visit) -> Collected:
        try:
            body = read_body(hit.body)
        except BadBody as error:
            return Collected((self._rejected(hit, visit, "", str(error), None),), False)
        verdicts = tuple([self._item(hit, visit, item) for item in body.items])
        return Collected(verdicts, body.array)

    def _item(self, hit: Hit, visit: Visit, item: object) -> Verdict:
        if not isinstance(item, dict):
            return self._rejected(hit, visit, "", _NO_OBJECT, None)
        return self._given(hit, visit, read_object(item, JSON_NAMES))

    def _given(self, hit: Hit, visit: Visit, given: Given) -> Verdict:
        return self._event(hit, visit, by_number(given.values), given.unknown)

    def _event(self, hit: Hit, visit: Visit, values: list[object], unknown: int) -> Verdict:
        """Check and write one event; `values` are in the order of `FIELDS`."""
        self.counts.unknown_fields += unknown
        site = self._names.site(values[_SITE])
        if site is None:
            return self._rejected(hit, visit, "site", _BAD_SITE, values)
        rules = self._sites.rules(site.text)
        if rules is None:
            return self._rejected(hit, visit, "site", _NO_SITE, values)
        name = self._names.event(values[_NAME])
        if name is None:
            return self._rejected(hit, visit, "name", _BAD_NAME, values)
        verdict = self._writer.write(
            visit, hit.route, hit.head, site.utf8, name.utf8, rules, self._sites.listed, values
        )
        self.counts.dropped_fields += self._writer.dropped
        self.counts.parsed += 1
        self.counts.bots += self._writer.bot
        return verdict

    def _rejected(
        self,
        hit: Hit,
        visit: Visit,
        field: str,
        reason: str,
        values: list[object] | None,
    ) -> Verdict:
        """Of what does not parse (`values` is None) only its length and the reason are kept."""
        self.counts.parsed += 1
        self.counts.rejected += 1
        length = len(hit.body) or len(hit.query)
        if values is None:
            rejection = Rejection(visit.received, hit.route, reason, length)
        else:
            rejection = Rejection(
                visit.received,
                hit.route,
                reason,
                length,
                field,
                as_text(values[NUMBER[field]]),
                visit.network,
                self._headers.pick(hit.headers),
            )
        event_id = normal(as_text(values[_EVENT_ID])) if values else None
        return Verdict(
            Outcome.REJECTED,
            time=visit.now,
            event_id=event_id or "",
            field=field,
            reason=reason,
            rejection=rejection.encode(),
        )


def badge_site(path: str) -> str | None:
    """Return the site that a badge's path names, in lower case, or None when it is none."""
    return site_name(_in_path(path))


def _badge(hit: Hit) -> Given:
    given = read_query(hit.query, BADGE_NAMES)
    return Given({**given.values, "site": _in_path(hit.path)}, given.unknown)


def _in_path(path: str) -> str:
    return path[len(BADGE_PREFIX) : -len(BADGE_SUFFIX)]
