"""Every route of the slow lane, once: beacons as in the fast lane, and the pages."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from ingest.beacon.collect import BADGE_SUFFIX, badge_site
from ingest.beacon.hit import Hit
from ingest.beacon.sites import Sites
from ingest.config import Config
from ingest.http import badge, cors
from ingest.http.access import PATH_LIVE
from ingest.http.api import PATH_SITES
from ingest.http.badge import NumberFor
from ingest.http.counted_pages import CountedPages
from ingest.http.demo import PATH_DEMO, PATH_DEMO_SCRIPT, Demo, demo_script
from ingest.http.live import PATH_GO
from ingest.http.look import read_look
from ingest.http.openapi import PATH_OPENAPI
from ingest.http.opt_out import PATH_IN, PATH_OUT, PATH_STATUS, OptOut
from ingest.http.own_origin import OwnOrigin
from ingest.http.page import page, page_reply
from ingest.http.privacy import PATH_PRIVACY, PrivacyPage
from ingest.http.reply import JSON, NO_STORE, NOSNIFF, Header, Reply, reply
from ingest.http.shared import Beacons
from ingest.http.slow_lane import Handler, Methods, Routes, Streamed
from ingest.http.templates import render
from ingest.http.widget import SCRIPT_PATH, widget_file
from ingest.outcome import Outcome, Route

_SHIELDS_SUFFIX = ".json"
_API_SITE = PATH_SITES + "{site:[^/]+}"


def routes(
    beacons: Beacons,
    own: OwnOrigin,
    config: Config,
    sites: Sites,
    number_for: NumberFor,
    here: CountedPages | None,
    elsewhere: Streamed | None = None,
) -> Routes:
    """Handlers by route and method; `elsewhere` answers for pages that are not here.

    What needs no counts is everywhere: nobody's opt-out and no widget waits for another machine.
    """
    beacon = _beacon(beacons)
    names = config.widget
    opt_out = OptOut(own, config.signals)
    widget = widget_file(names)
    beacon_routes: dict[Route, Methods] = {
        Route.PIXEL: _get(beacon),
        Route.BADGE: _get(beacon),
        Route.EVENTS: {"POST": beacon, "OPTIONS": _preflight},
    }
    pages: dict[str, Methods] = {
        "/badge/{site:[^/]*}.json": _get(_shields(number_for)),
        **dict.fromkeys((SCRIPT_PATH, names.script_path), _get(widget.show)),
        PATH_DEMO: _get(Demo(own, config, sites).show),
        PATH_DEMO_SCRIPT: _get(demo_script),
        PATH_OUT: {**_get(opt_out.show), "POST": opt_out.leave},
        PATH_IN: {"POST": opt_out.join},
        PATH_STATUS: _get(opt_out.status),
        PATH_PRIVACY: _get(PrivacyPage(config).show),
        "/": _get(_index(here is not None or config.stats.url is not None)),
        "/robots.txt": _get(_robots),
        "/favicon.ico": _get(_no_icon),
    }
    if here is None:
        return Routes(beacon_routes, pages, {}, elsewhere)
    pages |= {
        PATH_GO: _get(here.live.go),
        PATH_LIVE + "{site:[^/]*}": {**_get(here.live.show), "POST": here.live.enter},
        **{path: _get(file.show) for path, file in here.live.assets.files.items()},
        f"{_API_SITE}/now": _get(here.api.counts.now),
        f"{_API_SITE}/stats": _get(here.api.counts.stats),
        PATH_OPENAPI: _get(here.api.description.show),
    }
    return Routes(beacon_routes, pages, {f"{_API_SITE}/stream": here.api.stream.show}, elsewhere)


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
    headers = (NO_STORE, *cors.preflight(hit.head))
    return reply(HTTPStatus.NO_CONTENT, headers, b"", Route.PAGE, Outcome.PAGE)


def _shields(number_for: NumberFor) -> Handler:
    headers = (JSON, NO_STORE, NOSNIFF, *cors.ANYONE)

    async def show(hit: Hit) -> Reply:
        site = badge_site(hit.path.removesuffix(_SHIELDS_SUFFIX) + BADGE_SUFFIX)
        number = None if site is None else number_for(site)
        body = badge.shields(number, read_look(hit.query))
        return reply(HTTPStatus.OK, headers, body, Route.PAGE, Outcome.PAGE)

    return show


def _index(counts: bool) -> Handler:
    """`counts`: whether they can be asked for here."""
    body = render("index.html", counts=counts, openapi=PATH_OPENAPI)
    answer = page_reply(page("Beacon Ingest", body))

    async def show(_hit: Hit) -> Reply:
        return answer

    return show


async def _no_icon(_hit: Hit) -> Reply:
    """Browsers ask for one by themselves, and complain about a 404."""
    headers: tuple[Header, ...] = (("Cache-Control", "public, max-age=86400"),)
    return reply(HTTPStatus.NO_CONTENT, headers, b"", Route.PAGE, Outcome.PAGE)


async def _robots(_hit: Hit) -> Reply:
    headers: tuple[Header, ...] = (("Content-Type", "text/plain"), NO_STORE, NOSNIFF)
    allowed = "".join(f"Allow: {path}$\n" for path in ("/", PATH_OUT, PATH_PRIVACY, PATH_DEMO))
    body = f"User-agent: *\n{allowed}Disallow: /\n".encode()
    return reply(HTTPStatus.OK, headers, body, Route.PAGE, Outcome.PAGE)
