"""Country, region and city, from the anonymised network only."""

import logging
from pathlib import Path
from typing import NamedTuple

import maxminddb

_REMEMBERED = 20_000
_log = logging.getLogger(__name__)


class GeoError(Exception):
    """The database cannot be used; the message names it and says why."""


class Place(NamedTuple):
    """What a database knows of a network."""

    country: str | None = None
    """ISO 3166-1 alpha-2."""
    region: str | None = None
    """ISO 3166-2."""
    city: str | None = None
    """English name."""


_UNKNOWN = Place()
_Stamp = tuple[int, int, int, int]


class Geo:
    """Looks networks up in a database in MaxMind's format, and rereads it when the file changes."""

    def __init__(self, path: Path | None) -> None:
        """Open the database; None knows no place. Raises `GeoError`."""
        self._path = path
        self._places: dict[str, Place] = {}
        self._stamp: _Stamp | None = None
        self._reader: maxminddb.Reader | None = None
        if path is not None:
            self._open(path)

    def place(self, network: str) -> Place:
        """Return what is known of an anonymised network."""
        if self._reader is None or not network:
            return _UNKNOWN
        place = self._places.get(network)
        if place is None:
            if len(self._places) >= _REMEMBERED:
                self._places.clear()
            place = self._places[network] = _place(self._reader.get(network))
        return place

    def refresh(self) -> bool:
        """Reread a file that has changed; a broken one is reported and the old one kept."""
        if self._path is None:
            return False
        try:
            if _stamp(self._path) == self._stamp:
                return False
            self._open(self._path)
        except (OSError, GeoError) as error:
            self._report(str(error))
            return False
        _log.info("geolocation database reread", extra={"fields": {"file": str(self._path)}})
        return True

    def _open(self, path: Path) -> None:
        try:
            self._stamp = _stamp(path)
            # In memory: a file that is written over in place would crash a mapped reader.
            self._reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        except OSError as error:
            raise GeoError(f"geolocation database {path}: {error.strerror}") from None
        except maxminddb.InvalidDatabaseError:
            raise GeoError(f"geolocation database {path}: not in MaxMind's format") from None
        self._places = {}

    def _report(self, reason: str) -> None:
        _log.warning("geolocation database not reread", extra={"fields": {"reason": reason}})


def _stamp(path: Path) -> _Stamp:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _place(record: object) -> Place:
    if not isinstance(record, dict):
        return _UNKNOWN
    country = _text(_at(record, "country", "iso_code")) or _text(record.get("country_code"))
    if country is None:
        return _UNKNOWN
    divisions = record.get("subdivisions")
    division = divisions[0] if isinstance(divisions, list) and divisions else None
    code = _text(_at(division, "iso_code"))
    city = _text(_at(record, "city", "names", "en")) or _text(record.get("city"))
    return Place(country, f"{country}-{code}" if code else None, city)


def _at(record: object, *keys: str) -> object:
    for key in keys:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
