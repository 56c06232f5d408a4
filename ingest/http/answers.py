"""The answers to beacons, by route and outcome, as the contract words them."""

from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

import orjson

from ingest.beacon.collect import badge_site
from ingest.beacon.hit import Hit
from ingest.beacon.verdict import Verdict
from ingest.config import VisitorMode
from ingest.http import badge, cookies, cors
from ingest.http.badge import NumberFor
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
    Reply,
    reply,
    with_header,
)
from ingest.outcome import Outcome, Route

GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
"""One transparent pixel, 43 bytes."""
_PIXEL_ROUTE, _OPTED_OUT = Route.PIXEL, Outcome.OPTED_OUT
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
        self._pixels = {outcome: _image(Route.PIXEL, _PIXEL, outcome, GIF) for outcome in Outcome}
        self._badges = lru_cache(_BADGES_KEPT)(_badge)
        self._plain = {outcome: _no_content(outcome, ()) for outcome in Outcome}

    def pixel_only(self, route: Route) -> bool:
        """Whether a stored event's answer has nothing of its request in it."""
        return route is _PIXEL_ROUTE and not self._by_cookie

    def pixel(self, outcome: Outcome) -> Reply:
        """Answer such a request."""
        return self._pixels[outcome]

    def single(self, hit: Hit, verdict: Verdict, outcome: Outcome) -> Reply:
        """Answer a request with one event, or none."""
        if hit.route is _PIXEL_ROUTE:
            answer = self._pixels[outcome]
        elif hit.route is Route.BADGE:
            answer = self._badges(self._number(hit), read_look(hit.query), outcome)
        else:
            answer = self._events(hit, verdict, outcome)
        if self._by_cookie or outcome is _OPTED_OUT:
            return self._with_cookie(hit, verdict.visitor, answer)
        return answer

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
        allowed = cors.with_credentials(hit.headers)
        visitor = next(
            (fate.verdict.visitor for fate in fates if fate.verdict.visitor is not None), None
        )
        if worst.rank <= Outcome.STORED.rank:
            answer = _no_content(worst, allowed)
        elif worst is Outcome.REJECTED and any(fate.outcome is not worst for fate in fates):
            headers = (JSON, NO_STORE, NOSNIFF, (OUTCOME_HEADER, worst), *allowed)
            body = orjson.dumps({"results": _results(fates)})
            answer = reply(HTTPStatus.MULTI_STATUS, headers, body, Route.EVENTS, worst)
        else:
            answer = problem(
                _STATUS[worst],
                _AGAIN.get(worst, "every event of the array is bad"),
                Route.EVENTS,
                worst,
                headers=allowed,
                members={"results": _results(fates)},
            )
        return self._with_cookie(hit, visitor, answer) if self._by_cookie else answer

    def refused(self, hit: Hit, status: HTTPStatus, detail: str) -> Reply:
        """Answer a request that no event is taken from."""
        allowed = cors.with_credentials(hit.headers)
        return problem(status, detail, hit.route, headers=allowed)

    def _events(self, hit: Hit, verdict: Verdict, outcome: Outcome) -> Reply:
        status = _STATUS.get(outcome)
        if status is None:
            if b"origin" not in hit.headers:
                return self._plain[outcome]
            return _no_content(outcome, cors.with_credentials(hit.headers))
        members: dict[str, object] = {}
        if verdict.field:
            members["field"] = verdict.field
        if verdict.event_id:
            members["id"] = verdict.event_id
        detail = verdict.reason or _AGAIN[outcome]
        allowed = cors.with_credentials(hit.headers)
        return problem(status, detail, Route.EVENTS, outcome, headers=allowed, members=members)

    def _with_cookie(self, hit: Hit, visitor: int | None, answer: Reply) -> Reply:
        secure = self._own.secure(hit.peer, hit.headers)
        if answer.outcome is Outcome.OPTED_OUT:
            for header in cookies.on_opted_out(hit.headers, secure):
                answer = with_header(answer, header)
            return answer
        if visitor is None or cookies.has_uid(hit.headers):
            return answer
        return with_header(answer, cookies.uid(visitor, secure))


def _badge(number: int | None, look: Look, outcome: Outcome) -> Reply:
    return _image(Route.BADGE, _BADGE, outcome, badge.svg(number, look))


def _image(route: Route, headers: tuple[Header, ...], outcome: Outcome, body: bytes) -> Reply:
    status = _STATUS.get(outcome, HTTPStatus.OK)
    again = (RETRY_AFTER,) if status is HTTPStatus.SERVICE_UNAVAILABLE else ()
    return reply(status, (*headers, (OUTCOME_HEADER, outcome), *again), body, route, outcome)


def _no_content(outcome: Outcome, allowed: tuple[Header, ...]) -> Reply:
    headers = (NO_STORE, (OUTCOME_HEADER, outcome), *(allowed or cors.with_credentials({})))
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
