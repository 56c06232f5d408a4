"""Which requests are beacons: by raw path, exactly."""

from collections.abc import Callable

from ingest.beacon.collect import BADGE_PREFIX, BADGE_SUFFIX
from ingest.config import Widget
from ingest.http.head import Head
from ingest.outcome import Route

PIXEL_PATH = "/p.gif"
EVENTS_PATH = "/e"
_EVENTS, _NONE = Route.EVENTS, Route.NONE
IMAGE_METHODS = (b"GET", b"HEAD")
RouteOf = Callable[[str], Route]
"""Finds the beacon route of a path; `NONE` for every other path."""


def by_path(names: Widget) -> RouteOf:
    """Know the routes by the contract's names and by those that the operator gave them."""
    known = {
        names.pixel_path: Route.PIXEL,
        names.endpoint_path: Route.EVENTS,
        PIXEL_PATH: Route.PIXEL,
        EVENTS_PATH: Route.EVENTS,
    }

    def route_of(path: str) -> Route:
        route = known.get(path)
        if route is not None:
            return route
        badge = path.startswith(BADGE_PREFIX) and path.endswith(BADGE_SUFFIX)
        return Route.BADGE if badge and path.count("/") == 2 else _NONE

    return route_of


def is_plain(head: Head, route: Route) -> bool:
    """Whether the fast lane can take it: a beacon, its body known by `Content-Length`."""
    return not (head.special or head.chunked) and takes(head.method, route)


def takes(method: bytes, route: Route) -> bool:
    """Whether a beacon may come to this route by this method."""
    if route is _EVENTS:
        return method == b"POST"
    return route is not _NONE and method in IMAGE_METHODS
