"""The saved counts in SQL: tables, queries, and what one transaction writes."""

import contextlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from ingest.stats import codec
from ingest.stats.codec import BadState
from ingest.stats.numbers import Numbers, numbers_of
from ingest.stats.windows import HOURS_A_DAY, Day, Hour, Kind, Window

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (log TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS windows (
    site TEXT, kind INTEGER, start INTEGER, sum INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (site, kind, start)
);
CREATE INDEX IF NOT EXISTS windows_by_age ON windows (kind, start);
CREATE TABLE IF NOT EXISTS numbers (
    site TEXT, day INTEGER, views INTEGER, visitors INTEGER, engaged REAL, peak INTEGER,
    PRIMARY KEY (site, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ids (block INTEGER, hour INTEGER, sum INTEGER, data BLOB);
"""
STALE = """SELECT site FROM windows WHERE kind = ? AND start < ?
    UNION SELECT site FROM windows WHERE kind = ? AND start < ? LIMIT ?"""
KEEP_NUMBERS = """INSERT INTO numbers VALUES (?,?,?,?,?,?) ON CONFLICT (site, day) DO UPDATE SET
    views = excluded.views, visitors = excluded.visitors, engaged = excluded.engaged,
    peak = excluded.peak WHERE excluded.views >= views"""
"""Of a day counted twice the larger stands: the log may not have held all of it the second time."""
SITE = """SELECT kind, start, sum, data FROM windows
    WHERE site = ? AND (kind < ? OR start >= ?) ORDER BY kind, start"""
DAY = "SELECT kind, start, sum, data FROM windows WHERE site = ? AND kind = ? AND start = ?"
DAYS = """SELECT kind, start, sum, data FROM windows
    WHERE site = ? AND kind = ? AND start >= ? AND start < ?"""
_OLD_DAYS = """SELECT site, kind, start, sum, data FROM windows
    WHERE kind = ? AND start < ? LIMIT 100"""
NUMBERS = """SELECT day, views, visitors, engaged, peak FROM numbers
    WHERE site = ? AND day >= ? AND day < ? ORDER BY day"""
_HOURS_AND_DAYS = """SELECT site, kind, start, sum, data FROM windows WHERE kind >= ?
    ORDER BY site, kind, start"""
_ALL_NUMBERS = "SELECT site, day, views, visitors, engaged, peak FROM numbers"


SiteNumbers = tuple[str, Numbers]
Key = tuple[str, int, int]
"""Site, kind and start of a window."""


@dataclass(slots=True)
class Saved:
    """What one transaction writes."""

    positions: dict[str, str] = field(default_factory=dict)
    """Where the reader stands, for each part of the log."""
    windows: dict[Key, bytes | None] = field(default_factory=dict)
    """None: deleted."""
    ids: list[tuple[int, int, bytes]] = field(default_factory=list)
    """Block, hour, and fingerprints to add to it."""
    dropped_ids: list[int] = field(default_factory=list)
    """Blocks of fingerprints that are not kept any more."""
    numbers: list[SiteNumbers] = field(default_factory=list)
    """Of the days among the windows: any version can read these."""

    def merge(self, later: "Saved") -> None:
        """Add what came later."""
        self.positions.update(later.positions)
        self.windows.update(later.windows)
        self.ids += later.ids
        self.dropped_ids += later.dropped_ids
        self.numbers += later.numbers


def write(connection: sqlite3.Connection, saved: Saved) -> None:
    """Write it all or nothing. Raises `sqlite3.Error`."""
    gone = [key for key, data in saved.windows.items() if data is None]
    kept = [
        (*key, zlib.crc32(data), data) for key, data in saved.windows.items() if data is not None
    ]
    ids = [(block, hour, zlib.crc32(data), data) for block, hour, data in saved.ids]
    with _whole(connection):
        connection.executemany("DELETE FROM windows WHERE site=? AND kind=? AND start=?", gone)
        connection.executemany("INSERT OR REPLACE INTO windows VALUES (?,?,?,?,?)", kept)
        connection.executemany("INSERT INTO ids VALUES (?,?,?,?)", ids)
        connection.executemany(KEEP_NUMBERS, ((site, *each) for site, each in saved.numbers))
        dropped = [(block,) for block in saved.dropped_ids]
        connection.executemany("DELETE FROM ids WHERE block=?", dropped)
        positions = list(saved.positions.items())
        connection.executemany("INSERT OR REPLACE INTO positions VALUES (?,?)", positions)


@contextlib.contextmanager
def _whole(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction: all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has gone back by itself where the disk is full
            connection.execute("ROLLBACK")
        raise


def retire(connection: sqlite3.Connection, oldest_day: int) -> None:
    """Keep of the days before this one the numbers only. Raises `sqlite3.Error`, `BadState`."""
    while rows := connection.execute(_OLD_DAYS, (int(Kind.DAY), oldest_day)).fetchall():
        with _whole(connection):
            for site, *row in rows:
                numbers = numbers_of(day_of(tuple(row)))
                connection.execute(KEEP_NUMBERS, (site, *numbers))
                key = (site, int(Kind.DAY), numbers.day)
                connection.execute("DELETE FROM windows WHERE site=? AND kind=? AND start=?", key)
    # What was deleted, here and with the last save, lies in the log of changes until it is cut.
    connection.execute("PRAGMA wal_checkpoint (TRUNCATE)")


def old_numbers(connection: sqlite3.Connection) -> Iterator[SiteNumbers]:
    """The numbers of days past, of which nothing else may be kept: as many as can be read."""
    with contextlib.suppress(sqlite3.Error):
        for site, *numbers in connection.execute(_ALL_NUMBERS):
            yield site, Numbers(*numbers)


def recent_numbers(connection: sqlite3.Connection) -> Iterator[SiteNumbers]:
    """The numbers of the days that more is kept of: of all that can be read."""
    with contextlib.suppress(sqlite3.Error):
        rows = connection.execute(_HOURS_AND_DAYS, (int(Kind.HOUR),))
        for site, of_site in groupby(rows, itemgetter(0)):
            for day in _days_of(_readable(row[1:]) for row in of_site):
                yield site, numbers_of(day)


def _readable(row: tuple[int, int, int, bytes]) -> Window | None:
    try:
        return window_of(*row)
    except BadState:
        return None


def _days_of(windows: Iterable[Window | None]) -> Iterable[Day]:
    """Days with the hours that are not part of them yet."""
    days: dict[int, Day] = {}
    hours: list[Hour] = []
    for window in windows:
        if isinstance(window, Day):
            days[window.start] = window
        elif isinstance(window, Hour):
            hours.append(window)
    for hour in hours:
        start = hour.start // HOURS_A_DAY
        days.setdefault(start, Day(start)).take(hour)
    return days.values()


def write_anew(file: Path, numbers: Iterable[SiteNumbers]) -> None:
    """Begin a file with these numbers. Raises `OSError`, `sqlite3.OperationalError`."""
    file.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        with _whole(connection):
            connection.executemany(KEEP_NUMBERS, ((site, *each) for site, each in numbers))


def put_in_place(new: Path, file: Path) -> None:
    """Replace a file that nobody has open. Raises `OSError`."""
    for suffix in ("-wal", "-shm"):  # before: they would be taken for the new file's
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    new.replace(file)


def window_of(kind: int, start: int, checksum: int, data: bytes) -> Window:
    """A window from its row. Raises `BadState`."""
    return codec.load(Kind(kind), start, checked(data, checksum))


def day_of(row: tuple[int, int, int, bytes]) -> Day:
    """A day from its row. Raises `BadState`."""
    day = window_of(*row)
    assert isinstance(day, Day)  # noqa: S101  # of this kind by the query
    return day


def checked(data: bytes, checksum: int) -> bytes:
    """The same bytes. Raises `BadState` where they changed."""
    if zlib.crc32(data) != checksum:
        raise BadState("a checksum does not fit")
    return data
