"""Which requests are beacons: by raw path, exactly."""

from ingest.beacon.collect import BADGE_PREFIX, BADGE_SUFFIX
from ingest.config import Widget
from ingest.http.head import Head
from ingest.outcome import Route

PIXEL_PATH = "/p.gif"
EVENTS_PATH = "/e"
_EVENTS, _PIXEL, _NONE = Route.EVENTS, Route.PIXEL, Route.NONE
_GET, _HEAD = b"GET", b"HEAD"


class RouteOf:
    """Finds the beacon route of a path; `NONE` for every other path."""

    def __init__(self, known: dict[str, Route]) -> None:
        self._known = known
        self._pixels = tuple(path.encode() for path, route in known.items() if route is _PIXEL)

    def __call__(self, path: str) -> Route:
        """By the path's text."""
        route = self._known.get(path)
        if route is not None:
            return route
        badge = path.startswith(BADGE_PREFIX) and path.endswith(BADGE_SUFFIX)
        return Route.BADGE if badge and path.count("/") == 2 else _NONE

    def of(self, head: Head) -> Route:
        """By a request's head; of a pixel's path no text is made."""
        for path in self._pixels:
            if head.has_path(path):
                return _PIXEL
        return self(head.whole_path())


def by_path(names: Widget) -> RouteOf:
    """Know the routes by the contract's names and by those that the operator gave them."""
    return RouteOf(
        {
            names.pixel_path: Route.PIXEL,
            names.endpoint_path: Route.EVENTS,
            PIXEL_PATH: Route.PIXEL,
            EVENTS_PATH: Route.EVENTS,
        }
    )


def is_plain(head: Head, route: Route) -> bool:
    """Whether the fast lane can take it: a beacon, its body known by `Content-Length`."""
    return not (head.special or head.chunked) and takes(head.method, route)


def takes(method: bytes, route: Route) -> bool:
    """Whether a beacon may come to this route by this method."""
    if route is _EVENTS:
        return method == b"POST"
    return route is not _NONE and method in (_GET, _HEAD)
