"""Sites and events by what pings call them, as an event's text needs them."""

from ingest.beacon.fields import as_text
from ingest.beacon.remembered import Remembered
from ingest.beacon.site import SITE_LIMIT, event_name, site_name

_REMEMBERED = 10_000
_LONGEST = SITE_LIMIT  # as a C integer


class Name:
    """A good name, a site's in lower case."""

    __slots__ = ("text", "utf8")

    def __init__(self, text: str) -> None:
        self.text = text
        self.utf8 = text.encode()


class Names:
    """Looks names up, given as UTF-8 or as any JSON value; the good ones are remembered."""

    __slots__ = ("_events", "_pageview", "_sites")

    def __init__(self) -> None:
        self._sites = Remembered(_site, _REMEMBERED)
        self._events = Remembered(_event, _REMEMBERED)
        self._pageview = _event(None)

    def site(self, given: object) -> Name | None:
        """Return a site's name, or None when it is none."""
        return self._sites.get(given) if _may_be_name(given) else None

    def event(self, given: object) -> Name | None:
        """Return an event's name, or None when it is bad."""
        if given is None:
            return self._pageview
        return self._events.get(given) if _may_be_name(given) else None


def _may_be_name(given: object) -> bool:
    if type(given) is bytes:
        return len(given) <= _LONGEST
    return type(given) is str and len(given) <= _LONGEST


def _site(given: object) -> Name | None:
    return _name(site_name(as_text(given)))


def _event(given: object) -> Name | None:
    return _name(event_name(as_text(given)))


def _name(name: str | None) -> Name | None:
    return None if name is None else Name(name)
