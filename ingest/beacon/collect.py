"""The spine: what becomes of one beacon request, from consent to the event's bytes."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from ingest.beacon.agent import Agent, Agents
from ingest.beacon.body import BadBody, read_body, read_object
from ingest.beacon.browser import Browsers
from ingest.beacon.consent import Consent, has_no_cookies, has_opted_out
from ingest.beacon.cut import cut
from ingest.beacon.event_id import EventIds, normal
from ingest.beacon.fields import (
    BADGE_NAMES,
    JSON_NAMES,
    PIXEL_NAMES,
    TITLE_LIMIT,
    read_age,
    read_plain,
    read_props,
)
from ingest.beacon.geo import NOWHERE, Geo, Place
from ingest.beacon.headers import AllowedHeaders
from ingest.beacon.hit import Hit
from ingest.beacon.known import ACCEPT_LANGUAGE, REFERER, USER_AGENT
from ingest.beacon.network import TrustedProxies
from ingest.beacon.query import Given, read_query
from ingest.beacon.rejection import Rejection
from ingest.beacon.sanitise import clean
from ingest.beacon.site import event_name, site_name
from ingest.beacon.sites import Sites
from ingest.beacon.times import Times
from ingest.beacon.url import PageUrls
from ingest.beacon.verdict import Collected, Verdict
from ingest.beacon.visitor import VisitorNumber, uid_cookie
from ingest.config import VisitorMode
from ingest.outcome import Outcome, Route

BADGE_PREFIX = "/badge/"
BADGE_SUFFIX = ".svg"
_STORED = Outcome.STORED
_dumps = orjson.dumps
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


class Visit:
    """What all events of one request share."""

    __slots__ = (
        "agent", "headers", "language", "network", "now", "place", "received", "share", "uid",
        "user_agent",
    )  # fmt: skip

    now: int
    """Epoch milliseconds of receipt."""
    received: str
    network: str
    share: bool
    agent: Agent
    place: Place
    headers: Mapping[str, str]
    user_agent: bytes
    """As sent, as is the language; empty where it was not."""
    language: bytes
    uid: int | None
    """The visitor's number from the cookie, in cookie mode."""


class Collector:
    """Turns requests into verdicts. No I/O, no clock."""

    def __init__(self, enrichment: Enrichment) -> None:
        self._proxies = enrichment.proxies
        self._consent = enrichment.consent
        self._sites = enrichment.sites
        self._browsers = Browsers(enrichment.agents, enrichment.headers)
        self._geo = enrichment.geo
        self._visitors = enrichment.visitors
        self._by_cookie = enrichment.visitor_mode is VisitorMode.COOKIE
        self._ids = enrichment.ids
        self._times = Times()
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
            return self._single(hit, visit, read_query(hit.query, PIXEL_NAMES))
        if hit.route is _BADGE:
            return self._single(hit, visit, _badge(hit))
        return self._body(hit, visit)

    def _visit(self, hit: Hit, now: int) -> Visit:
        head = hit.head
        visit = Visit()
        visit.now = now
        visit.received = self._times.text(now)
        visit.network = self._proxies.client_of(hit.peer, head)
        visit.share = self._consent.share(head)
        visit.user_agent = head.value(USER_AGENT) or b""
        visit.language = head.value(ACCEPT_LANGUAGE) or b""
        browser = self._browsers.of(head, visit.user_agent, visit.language)
        visit.agent = browser.agent
        visit.headers = browser.headers
        visit.place = self._geo.place(visit.network)
        visit.uid = uid_cookie(head.all()) if self._by_cookie else None
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
        return self._event(hit, visit, read_object(item, JSON_NAMES))

    def _single(self, hit: Hit, visit: Visit, given: Given) -> Collected:
        return Collected((self._event(hit, visit, given),), False)

    def _event(self, hit: Hit, visit: Visit, given: Given) -> Verdict:
        """Check, clean, enrich and write one event."""
        values = given.values
        self.counts.unknown_fields += given.unknown
        site = site_name(values.get("site"))
        if site is None:
            return self._rejected(hit, visit, "site", _BAD_SITE, values)
        rules = self._sites.rules(site)
        if rules is None:
            return self._rejected(hit, visit, "site", _NO_SITE, values)
        name = event_name(values.get("name"))
        if name is None:
            return self._rejected(hit, visit, "name", _BAD_NAME, values)
        dropped: list[str] = []
        event_id = self._event_id(values, visit.now, dropped)
        time = visit.now - _age(values, dropped)
        agent = visit.agent
        event: dict[str, object] = {
            "v": 1,
            "id": event_id,
            "time": visit.received if time == visit.now else self._times.text(time),
            "received": visit.received,
            "site": site,
            "name": name,
            "widget": _widget(hit.route, values),
            "bot": agent.bot,
            "share": visit.share,
            "device": agent.device,
        }
        _put_page(event, values, hit, rules.urls, dropped)
        if self._sites.listed:
            event["origin"] = rules.origin(hit.headers, event.get("url"))
        number = self._put_visitor(event, visit, site)
        _put_known(event, visit)
        read_plain(values, event, dropped)
        _put_props(event, values, dropped)
        if visit.headers:
            event["headers"] = visit.headers
        if dropped:
            event["dropped"] = dropped
            self.counts.dropped_fields += len(dropped)
        self.counts.parsed += 1
        self.counts.bots += agent.bot
        key = site.encode()
        # orjson returns a few hundred bytes in a buffer of some thousand, and the event may wait.
        written = _dumps(event)
        text = cut(written, 0, len(written))
        return Verdict(_STORED, key, time, text, event_id, number)

    def _event_id(self, values: Mapping[str, object], now: int, dropped: list[str]) -> str:
        given = values.get("event_id")
        if given is None:
            return self._ids.new(now)
        event_id = normal(given)
        if event_id is None:
            dropped.append("event_id")
            return self._ids.new(now)
        return event_id

    def _put_visitor(
        self,
        event: dict[str, object],
        visit: Visit,
        site: str,
    ) -> int | None:
        if visit.network:
            event["ip"] = visit.network
        number = visit.uid
        if number is None:
            number = self._visitors.number(
                visit.now,
                site.encode(),
                visit.network,
                visit.user_agent,
                visit.language,
            )
        event["visitor"] = number
        return number

    def _rejected(
        self,
        hit: Hit,
        visit: Visit,
        field: str,
        reason: str,
        values: Mapping[str, object] | None,
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
                values.get(field),
                visit.network,
                visit.headers,
            )
        event_id = normal(values.get("event_id")) if values else None
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


def _age(values: Mapping[str, object], dropped: list[str]) -> int:
    given = values.get("age_ms")
    if given is None:
        return 0
    age = read_age(given)
    if isinstance(age, int):
        return age
    dropped.append("age_ms")
    return 0


def _widget(route: Route, values: Mapping[str, object]) -> str:
    if route is _BADGE:
        return "free"
    return "pro" if values.get("widget") == "pro" else "api"


def _put_page(
    event: dict[str, object],
    values: Mapping[str, object],
    hit: Hit,
    urls: PageUrls,
    dropped: list[str],
) -> None:
    """Put in `url`, `referrer` and `title`, cleaned, and name what was cut."""
    truncated: list[str] = []
    if _put_url(event, urls, "url", values.get("url"), dropped, truncated):
        event["url_source"] = "field"
    elif referer := hit.head.value(REFERER):
        page = urls.clean(referer.decode("utf-8", "replace"))
        if page is not None:
            event["url"], event["url_source"] = page.value, "referer"
            if page.truncated:
                truncated.append("url")
    _put_url(event, urls, "referrer", values.get("referrer"), dropped, truncated)
    title = values.get("title")
    if isinstance(title, str):
        text = clean(title, TITLE_LIMIT)
        if text.value:
            event["title"] = text.value
        if text.truncated:
            truncated.append("title")
    elif title is not None:
        dropped.append("title")
    if truncated:
        event["truncated"] = truncated


def _put_url(
    event: dict[str, object],
    urls: PageUrls,
    name: str,
    value: object,
    dropped: list[str],
    truncated: list[str],
) -> bool:
    if value is None:
        return False
    page = urls.clean(value) if isinstance(value, str) else None
    if page is None:
        dropped.append(name)
        return False
    event[name] = page.value
    if page.truncated:
        truncated.append(name)
    return True


def _put_known(event: dict[str, object], visit: Visit) -> None:
    """Put in what place and browser are known."""
    place, agent = visit.place, visit.agent
    if place is not NOWHERE:
        _put(event, "country", place.country)
        _put(event, "region", place.region)
        _put(event, "city", place.city)
    browser, browser_version, system, system_version, _device, _bot = agent
    _put(event, "browser", browser)
    _put(event, "browser_version", browser_version)
    _put(event, "os", system)
    _put(event, "os_version", system_version)


def _put(event: dict[str, object], name: str, value: str | None) -> None:
    if value is not None:
        event[name] = value


def _put_props(event: dict[str, object], values: Mapping[str, object], dropped: list[str]) -> None:
    given = values.get("props")
    if given is None:
        return
    props, bad = read_props(given)
    if props:
        event["props"] = props
    if bad:
        dropped.append("props")
