"""Places by anonymised network, from a database in MaxMind's format."""

import logging
import os
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import maxminddb

_log = logging.getLogger(__name__)
_CACHED = 20_000
_CHUNK = 1024 * 1024
_CITY_LIMIT = 128
_COUNTRY = re.compile(r"[A-Z]{2}").fullmatch
_REGION = re.compile(r"[A-Z0-9]{1,3}").fullmatch


class GeoError(Exception):
    """The database cannot be used; the message names it and says what is wrong."""


class Place(NamedTuple):
    """Where a network is, as far as the database says."""

    country: str | None = None
    """ISO 3166-1 alpha-2, such as `DE`."""
    region: str | None = None
    """ISO 3166-2, such as `DE-BE`."""
    city: str | None = None
    """English name."""


NOWHERE = Place()
_Identity = tuple[int, int, int, int]


class Geo:
    """Looks up networks, and follows the database's file when it changes."""

    def __init__(self, path: Path | None) -> None:
        """Read the database; without a path nothing is ever found. Raises `GeoError`."""
        self._path = path
        self._identity: _Identity | None = None
        self._complained = False
        self._find: Callable[[str], Place] = _nowhere
        if path is not None:
            try:
                self._identity, self._find = _load(path)
            except (OSError, maxminddb.InvalidDatabaseError) as error:
                raise GeoError(_problem(path, error)) from error

    def place(self, network: str) -> Place:
        """Return the place of an anonymised network's address; all None when it is not known."""
        return self._find(network)

    def refresh(self) -> bool:
        """Read the file again if it is another or has changed; return whether it was read.

        One that cannot be read is logged once, and the old one stays in use. May be called from
        another thread than `place`.
        """
        if self._path is None:
            return False
        try:
            if _identity(os.stat(self._path)) == self._identity:  # noqa: PTH116 — half the time
                return False
            self._identity, self._find = _load(self._path)
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            if not self._complained:
                self._complained = True
                fields = {"reason": _problem(self._path, error)}
                _log.warning("geolocation database not reread", extra={"fields": fields})
            return False
        self._complained = False
        return True


def _problem(path: Path, error: Exception) -> str:
    # The reader's own words name the copy in memory, which says nothing to anybody.
    reason = "not a whole database in MaxMind's format"
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
    return f"geolocation database {path}: {reason}"


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _nowhere(_network: str) -> Place:
    return NOWHERE


def _load(path: Path) -> tuple[_Identity, Callable[[str], Place]]:
    """Open a copy in memory: a map of the file itself kills us when it is overwritten in place."""
    copy = os.memfd_create("geo")
    try:
        with path.open("rb") as file:
            identity = _identity(os.fstat(file.fileno()))
            while chunk := file.read(_CHUNK):
                _write_all(copy, chunk)
        reader = maxminddb.open_database(f"/proc/self/fd/{copy}")
    finally:
        os.close(copy)

    def find(network: str) -> Place:
        return _look_up(reader, network)

    # A cache of its own for each reader, so that both change in one step.
    return identity, lru_cache(_CACHED)(find)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _look_up(reader: maxminddb.Reader, network: str) -> Place:
    if not network:
        return NOWHERE
    try:
        record = reader.get(network)
    except (ValueError, maxminddb.InvalidDatabaseError):
        return NOWHERE  # IPv6 in a database of IPv4, or a damaged record
    if not isinstance(record, dict):
        return NOWHERE
    country = _code(record.get("country"), _COUNTRY) or _code(record.get("country_code"), _COUNTRY)
    return Place(country, _region(record, country), _city(record.get("city")))


def _code(value: object, valid: Callable[[str], object]) -> str | None:
    """Return the code in MaxMind's `{"iso_code": …}` or in a plain text, if it is one."""
    code = value.get("iso_code") if isinstance(value, dict) else value
    return code if isinstance(code, str) and valid(code) else None


def _region(record: dict[str, object], country: str | None) -> str | None:
    divisions = record.get("subdivisions")
    if country is None:
        return None
    first = divisions[0] if isinstance(divisions, list) and divisions else None
    code = _code(first, _REGION) or _code(record.get("region_code"), _REGION)
    return None if code is None else f"{country}-{code}"


def _city(value: object) -> str | None:
    if isinstance(value, dict):
        names = value.get("names")
        value = names.get("en") if isinstance(names, dict) else None
    return value[:_CITY_LIMIT] if isinstance(value, str) and value else None
