"""Writes an event: what a ping gives and what is known of its sender, as JSON.

The order of the fields is that of this module's calls; `schemas/event.v1.json` describes them.
"""

from ingest.beacon.event_id import EventIds, normal
from ingest.beacon.event_text import EventText
from ingest.beacon.fields import NUMBER, as_text, read_age, read_props
from ingest.beacon.geo import NOWHERE
from ingest.beacon.headers import AllowedHeaders
from ingest.beacon.hit import RequestHead
from ingest.beacon.known import ORIGIN, REFERER
from ingest.beacon.page import PageWriter
from ingest.beacon.plain import put_plain
from ingest.beacon.sites import SiteRules
from ingest.beacon.times import Times
from ingest.beacon.verdict import EVENT_BEGIN, Verdict, stored
from ingest.beacon.visit import Visit
from ingest.beacon.visitor import VisitorNumber
from ingest.beacon.written import Written, place
from ingest.outcome import Route

_EVENT_ID, _AGE, _WIDGET = NUMBER["event_id"], NUMBER["age_ms"], NUMBER["widget"]
_PROPS = NUMBER["props"]
_BADGE = Route.BADGE  # an enum's member is looked up by Python code
_BEGIN = EVENT_BEGIN


class EventWriter:
    """Writes events, one after another."""

    def __init__(
        self, ids: EventIds, times: Times, visitors: VisitorNumber, headers: AllowedHeaders
    ) -> None:
        self._ids = ids
        self._times = times
        self._visitors = visitors
        self._headers = headers
        self._text = EventText()
        self._page = PageWriter(self._text)
        self._place = Written(place)
        self._now = -1
        self._both_times = b""
        """The fields of what happened when it was received, in that millisecond."""
        self.dropped = 0
        """How many fields of the last event were bad."""
        self.bot = False
        """Whether its sender is a bot."""

    def write(
        self,
        visit: Visit,
        route: Route,
        head: RequestHead,
        site: bytes,
        name: bytes,
        rules: SiteRules,
        listed: bool,
        values: list[object],
    ) -> Verdict:
        """Write the event of a good `site` and `name`.

        `values` are what it gives in the order of `FIELDS`; `listed` is whether there is a list of
        sites.
        """
        text = self._text
        dropped: list[str] = []
        text.begin()
        text.put(_BEGIN)
        text.put(self._event_id(values[_EVENT_ID], visit.now, dropped))
        time = visit.now - _age(values[_AGE], dropped)
        if time == visit.now == self._now:
            text.put(self._both_times)
        else:
            text.put(self._written_times(time, visit.now))
        text.put(site)
        text.put(b'","name":"')
        text.put(name)
        text.put(_widget(route, values[_WIDGET]))
        browser = visit.browser
        text.put(browser.shared if visit.share else browser.private)
        url = self._page.put(values, head, rules.urls, dropped)
        if listed:
            text.put(b',"origin":')
            text.put_value(rules.origin(head.value(ORIGIN), head.value(REFERER), url))
        number = self._put_visitor(visit, head, site)
        if visit.place is not NOWHERE:
            text.put(self._place.of(visit.place))
        text.put(browser.name)
        put_plain(values, text, dropped)
        if values[_PROPS] is not None:
            self._put_props(values[_PROPS], dropped)
        self._headers.put(head, text)
        self.bot = browser.bot
        self.dropped = len(dropped)
        if dropped:
            text.put(b',"dropped":')
            text.put_value(dropped)
        text.put(b"}")
        return stored(site, time, text.take(), number)

    def _written_times(self, time: int, now: int) -> bytes:
        text = b'","time":"%b","received":"%b","site":"' % (
            self._times.utf8(time),
            self._times.utf8(now),
        )
        if time == now:
            self._now, self._both_times = now, text
        return text

    def _event_id(self, given: object, now: int, dropped: list[str]) -> bytes:
        if given is not None:
            event_id = normal(as_text(given))
            if event_id is not None:
                return event_id.encode()
            dropped.append("event_id")
        return self._ids.new(now)

    def _put_visitor(self, visit: Visit, head: RequestHead, site: bytes) -> int:
        text = self._text
        if visit.network:
            text.put(b',"ip":')
            text.put_text(visit.network)
        number = visit.uid
        if number is None:
            number = self._visitors.number(visit.now, site, visit.network, head)
        text.put(b',"visitor":')
        text.put_number(number)
        return number

    def _put_props(self, given: object, dropped: list[str]) -> None:
        props, bad = read_props(given)
        if props:
            self._text.put(b',"props":')
            self._text.put_value(props)
        if bad:
            dropped.append("props")


def _age(given: object, dropped: list[str]) -> int:
    if given is None:
        return 0
    age = read_age(as_text(given))
    if isinstance(age, int):
        return age
    dropped.append("age_ms")
    return 0


def _widget(route: Route, given: object) -> bytes:
    if route is _BADGE:
        return b'","widget":"free"'
    if given is not None and as_text(given) == "pro":
        return b'","widget":"pro"'
    return b'","widget":"api"'
