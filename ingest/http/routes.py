"""Every route of the slow lane, once: beacons as in the fast lane, and the pages."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from ingest.beacon.hit import Hit
from ingest.http import badge, cors
from ingest.http.beacons import Beacons
from ingest.http.opt_out import PATH_IN, PATH_OUT, PATH_STATUS, OptOut
from ingest.http.own_origin import OwnOrigin
from ingest.http.page import page, page_reply
from ingest.http.reply import NO_STORE, NOSNIFF, Header, Reply, reply
from ingest.http.slow_lane import Handler, Methods, Routes
from ingest.outcome import Outcome, Route

_JSON: Header = ("Content-Type", "application/json")


def routes(beacons: Beacons, own: OwnOrigin) -> Routes:
    """Handlers by route and method."""
    beacon = _beacon(beacons)
    opt_out = OptOut(own)
    beacon_routes: dict[Route, Methods] = {
        Route.PIXEL: _get(beacon),
        Route.BADGE: _get(beacon),
        Route.EVENTS: {"POST": beacon, "OPTIONS": _preflight},
    }
    pages: dict[str, Methods] = {
        "/badge/{site:[^/]*}.json": _get(_shields),
        PATH_OUT: {**_get(opt_out.show), "POST": opt_out.leave},
        PATH_IN: {"POST": opt_out.join},
        PATH_STATUS: _get(opt_out.status),
        "/": _get(_index),
        "/robots.txt": _get(_robots),
    }
    return Routes(beacon_routes, pages)


def _get(handler: Handler) -> dict[str, Handler]:
    return {"GET": handler, "HEAD": handler}


def _beacon(beacons: Beacons) -> Handler:
    async def handle(hit: Hit) -> Reply:
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        beacons.handle(hit, _unless_done(answered))
        return await answered

    return handle


def _unless_done(future: asyncio.Future[Reply]) -> Callable[[Reply], None]:
    def done(answer: Reply) -> None:
        if not future.done():  # the client left, and its wait was cancelled
            future.set_result(answer)

    return done


async def _preflight(hit: Hit) -> Reply:
    headers = (NO_STORE, *cors.preflight(hit.headers))
    return reply(HTTPStatus.NO_CONTENT, headers, b"", Route.PAGE, Outcome.PAGE)


async def _shields(_hit: Hit) -> Reply:
    headers = (_JSON, NO_STORE, NOSNIFF, *cors.ANYONE)
    return reply(HTTPStatus.OK, headers, badge.shields(None), Route.PAGE, Outcome.PAGE)


async def _index(_hit: Hit) -> Reply:
    body = (
        "<p>This server counts visits for the sites that carry its widget. It keeps no personal "
        f'data. You can <a href="{PATH_OUT}">opt out</a> of being counted.</p>'
    )
    return page_reply(page("Beacon Ingest", body))


async def _robots(_hit: Hit) -> Reply:
    headers: tuple[Header, ...] = (("Content-Type", "text/plain"), NO_STORE, NOSNIFF)
    body = b"User-agent: *\nAllow: /$\nAllow: /opt-out$\nDisallow: /\n"
    return reply(HTTPStatus.OK, headers, body, Route.PAGE, Outcome.PAGE)
