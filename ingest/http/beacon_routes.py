"""Which requests are beacons: by raw path, exactly."""

from ingest.beacon.collect import BADGE_PREFIX, BADGE_SUFFIX
from ingest.http.head import Head
from ingest.outcome import Route

PIXEL_PATH = "/p.gif"
EVENTS_PATH = "/e"
_BY_PATH = {PIXEL_PATH: Route.PIXEL, EVENTS_PATH: Route.EVENTS}
IMAGE_METHODS = (b"GET", b"HEAD")


def route_of(path: str) -> Route:
    """Return the beacon route of a path; `NONE` for every other path."""
    route = _BY_PATH.get(path)
    if route is not None:
        return route
    badge = path.startswith(BADGE_PREFIX) and path.endswith(BADGE_SUFFIX)
    return Route.BADGE if badge and path.count("/") == 2 else Route.NONE


def is_plain(head: Head, route: Route) -> bool:
    """Whether the fast lane can take it: a beacon, its body known by `Content-Length`."""
    if head.special or head.chunked or route is Route.NONE:
        return False
    if route is Route.EVENTS:
        return head.method == b"POST"
    return head.method in IMAGE_METHODS
