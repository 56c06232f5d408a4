"""The answers to beacons, by route and outcome, as the contract words them."""

from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

import orjson

from ingest.beacon.collect import badge_site
from ingest.beacon.hit import Hit, RequestHead
from ingest.beacon.verdict import Verdict
from ingest.beacon.visitor import uid_cookie
from ingest.config import VisitorMode
from ingest.http import badge, cookies, cors
from ingest.http.badge import NumberFor
from ingest.http.cookies import RENEWALS, renewal
from ingest.http.cors import allow, asking_origin
from ingest.http.look import Look, read_look
from ingest.http.own_origin import OwnOrigin
from ingest.http.problem import problem
from ingest.http.reply import (
    ANY_SITE,
    JSON,
    NO_STORE,
    NOSNIFF,
    OUTCOME_HEADER,
    RETRY_AFTER,
    Header,
    ReadyReply,
    Reply,
    reply,
    with_headers,
)
from ingest.outcome import Outcome, Route

GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
"""One transparent pixel, 43 bytes."""
_PIXEL_ROUTE, _BADGE_ROUTE, _OPTED_OUT = Route.PIXEL, Route.BADGE, Outcome.OPTED_OUT
_IMAGE: tuple[Header, ...] = (NO_STORE, ANY_SITE, NOSNIFF)
_PIXEL: tuple[Header, ...] = (("Content-Type", "image/gif"), *_IMAGE)
_BADGE: tuple[Header, ...] = (
    ("Content-Type", "image/svg+xml"),
    *_IMAGE,
    *cors.ANYONE,
    ("Content-Security-Policy", "default-src 'none'"),
)
_BADGES_KEPT = 4_096
"""Drawings kept; a new one costs some 50 µs."""
_STATUS = {
    Outcome.REJECTED: HTTPStatus.BAD_REQUEST,
    Outcome.SHED: HTTPStatus.SERVICE_UNAVAILABLE,
    Outcome.FAILED: HTTPStatus.SERVICE_UNAVAILABLE,
}
_AGAIN = {
    Outcome.SHED: "not stored for want of room or of Kafka; send it again later",
    Outcome.FAILED: "not confirmed, though it may yet be stored; send it again with the same id",
}


class Fate(NamedTuple):
    """One event of an array, decided."""

    verdict: Verdict
    outcome: Outcome


class Answers:
    """Makes replies. Those without anything of the request in them are made once."""

    def __init__(self, own: OwnOrigin, visitor_mode: VisitorMode, number_for: NumberFor) -> None:
        self._own = own
        self._number_for = number_for
        self._by_cookie = visitor_mode is VisitorMode.COOKIE
        self._badges = lru_cache(_BADGES_KEPT)(_badge)
        self._pixels = _Ready(lambda outcome: _image(Route.PIXEL, _PIXEL, outcome, GIF))
        self._unreadable = _Ready(lambda outcome: _no_content(outcome, cors.UNREADABLE))
        self._readable = _Ready(lambda outcome: _no_content(outcome, cors.READABLE))

    def pixel_only(self, route: Route) -> bool:
        """Whether a stored event's answer has nothing of its request in it."""
        return route is _PIXEL_ROUTE and not self._by_cookie

    def pixel(self, outcome: Outcome) -> Reply:
        """Answer such a request."""
        return self._pixels.by_outcome[outcome]

    def single(self, hit: Hit, verdict: Verdict, outcome: Outcome) -> Reply:
        """Answer a request with one event, or none."""
        if outcome is _OPTED_OUT:
            return self._opted_out(hit)
        if hit.route is _PIXEL_ROUTE:
            answer = self._pixels.by_outcome[outcome]
        elif hit.route is _BADGE_ROUTE:
            answer = self._badge(hit, outcome)
        else:
            answer = self._events(hit, verdict, outcome)
        return self._with_number(hit, verdict.visitor, answer) if self._by_cookie else answer

    def _opted_out(self, hit: Hit) -> Reply:
        """Answer who opted out: the choice is renewed. Nearly always by what is ready-made."""
        which = renewal(hit.head, self._own.secure(hit.peer, hit.head))
        if hit.route is _PIXEL_ROUTE:
            return self._pixels.opted_out[which]
        if hit.route is _BADGE_ROUTE:
            return with_headers(self._badge(hit, _OPTED_OUT), RENEWALS[which])
        return _for_origin(
            hit.head, self._unreadable.opted_out[which], self._readable.opted_out[which]
        )

    def _badge(self, hit: Hit, outcome: Outcome) -> Reply:
        return self._badges(self._number(hit), read_look(hit.query), outcome)

    def _number(self, hit: Hit) -> int | None:
        """How many a badge shows: one at the least, since somebody is looking at it.

        It is drawn before its own visit is counted.
        """
        site = badge_site(hit.path)
        number = None if site is None else self._number_for(site)
        return None if number is None else max(number, 1)

    def array(self, hit: Hit, fates: list[Fate]) -> Reply:
        """Answer an array: results for each event unless all went well."""
        worst = max((fate.outcome for fate in fates), key=lambda outcome: outcome.rank)
        visitor = next(
            (fate.verdict.visitor for fate in fates if fate.verdict.visitor is not None), None
        )
        if worst.rank <= Outcome.STORED.rank:
            answer = self._taken(hit, worst)
        elif worst is Outcome.REJECTED and any(fate.outcome is not worst for fate in fates):
            allowed = cors.with_credentials(hit.head)
            headers = (JSON, NO_STORE, NOSNIFF, (OUTCOME_HEADER, worst), *allowed)
            body = orjson.dumps({"results": _results(fates)})
            answer = reply(HTTPStatus.MULTI_STATUS, headers, body, Route.EVENTS, worst)
        else:
            answer = problem(
                _STATUS[worst],
                _AGAIN.get(worst, "every event of the array is bad"),
                Route.EVENTS,
                worst,
                headers=cors.with_credentials(hit.head),
                members={"results": _results(fates)},
            )
        return self._with_number(hit, visitor, answer) if self._by_cookie else answer

    def refused(self, hit: Hit, status: HTTPStatus, detail: str) -> Reply:
        """Answer a request that no event is taken from."""
        allowed = cors.with_credentials(hit.head)
        return problem(status, detail, hit.route, headers=allowed)

    def _events(self, hit: Hit, verdict: Verdict, outcome: Outcome) -> Reply:
        status = _STATUS.get(outcome)
        if status is None:
            return self._taken(hit, outcome)
        members: dict[str, object] = {}
        if verdict.field:
            members["field"] = verdict.field
        if verdict.event_id:
            members["id"] = verdict.event_id
        detail = verdict.reason or _AGAIN[outcome]
        allowed = cors.with_credentials(hit.head)
        return problem(status, detail, Route.EVENTS, outcome, headers=allowed, members=members)

    def _taken(self, hit: Hit, outcome: Outcome) -> Reply:
        return _for_origin(
            hit.head, self._unreadable.by_outcome[outcome], self._readable.by_outcome[outcome]
        )

    def _with_number(self, hit: Hit, visitor: int | None, answer: Reply) -> Reply:
        """Have a browser that has no number yet keep the one that its event was given."""
        if visitor is None or uid_cookie(hit.head) is not None:
            return answer
        secure = self._own.secure(hit.peer, hit.head)
        return with_headers(answer, (cookies.uid(visitor, secure),))


class _Ready:
    """A route's answers with nothing of a request in them, made once."""

    def __init__(self, make: Callable[[Outcome], Reply]) -> None:
        self.by_outcome: dict[Outcome, Reply] = {
            outcome: ReadyReply(make(outcome)) for outcome in Outcome
        }
        plain = make(_OPTED_OUT)
        self.opted_out = tuple([ReadyReply(with_headers(plain, more)) for more in RENEWALS])
        """By `cookies.renewal`."""


def _for_origin(head: RequestHead, unreadable: Reply, readable: Reply) -> Reply:
    """The answer to `POST /e`: scripts of the asking origin may read it, where one is named."""
    origin = asking_origin(head)
    return unreadable if origin is None else with_headers(readable, (allow(origin),))


def _badge(number: int | None, look: Look, outcome: Outcome) -> Reply:
    return _image(Route.BADGE, _BADGE, outcome, badge.svg(number, look))


def _image(route: Route, headers: tuple[Header, ...], outcome: Outcome, body: bytes) -> Reply:
    status = _STATUS.get(outcome, HTTPStatus.OK)
    again = (RETRY_AFTER,) if status is HTTPStatus.SERVICE_UNAVAILABLE else ()
    return reply(status, (*headers, (OUTCOME_HEADER, outcome), *again), body, route, outcome)


def _no_content(outcome: Outcome, allowed: tuple[Header, ...]) -> Reply:
    headers = (NO_STORE, (OUTCOME_HEADER, outcome), *allowed)
    return reply(HTTPStatus.NO_CONTENT, headers, b"", Route.EVENTS, outcome)


def _results(fates: list[Fate]) -> list[dict[str, object]]:
    return [_result(index, fate) for index, fate in enumerate(fates)]


def _result(index: int, fate: Fate) -> dict[str, object]:
    result: dict[str, object] = {"index": index}
    if fate.verdict.event_id:
        result["id"] = fate.verdict.event_id
    result["outcome"] = fate.outcome
    reason = fate.verdict.reason or _AGAIN.get(fate.outcome)
    if reason:
        result["reason"] = reason
    return result
