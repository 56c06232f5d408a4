"""The counts on disk: SQLite, written in a thread of its own, each time in one transaction.

What pages ask of it is read in another: a save may take seconds, and nobody waits for it.

A transaction holds the windows that changed and where in the log the reader stood: a restart
neither skips nor repeats. Where something is damaged, or of another version, the counts are made
anew from the log, which may not reach back far: of all days the numbers are taken over, as far as
they can be read (so they stand beside the windows, in plain columns), before the file is deleted.
It is not set aside, for it would outlive what we promise of visitors.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from ingest.stats import codec, sql
from ingest.stats.codec import BadState
from ingest.stats.numbers import Numbers
from ingest.stats.sql import Saved, SiteNumbers, checked, day_of, window_of
from ingest.stats.windows import Day, Kind, Window

FILE = "stats.sqlite3"
_IN_MEMORY = ":memory:"
Unreadable = sqlite3.DatabaseError | BadState
UNREADABLE = (sqlite3.DatabaseError, BadState)
"""What is raised where what was saved cannot be read: it is damaged, or, by an `OperationalError`
such as of a disk that fails or is full, it may be read later."""
T = TypeVar("T")
_log = logging.getLogger(__name__)


class State:
    """Implements `History`; what is called there runs on the caller's thread and reads only.

    Where something cannot be read it answers as if nothing was saved, and says so in `damage`: what
    was counted since may be wrong, and is not to be saved.
    """

    def __init__(self, directory: Path) -> None:
        """Opens it. Where no file can be kept, as on a full disk, it is kept in memory."""
        self._path = directory / FILE
        self._thread = ThreadPoolExecutor(1, "stats-state")
        self._asking_thread = ThreadPoolExecutor(1, "stats-asked")
        self._failed: Saved | None = None
        self.damage: Unreadable | None = None
        """Why something could not be read."""
        self.saves = 0
        """How often something was saved: what was being read meanwhile may be from before."""
        if not self._path.exists():
            _log.info("no saved counts: counting from the beginning of the log")
        try:
            self._open_somewhere()
        except UNREADABLE as error:  # no OperationalError: it was opened in memory then
            with contextlib.closing(sqlite3.connect(self._path)) as damaged:
                hindrance = self._write_anew(sql.old_numbers(damaged))
            self._make_anew(str(error), hindrance)

    def close(self) -> None:
        """Wait for what is being written, and close the file."""
        self._thread.shutdown()
        self._asking_thread.shutdown()
        self._close_all()

    def _close_all(self) -> None:
        for connection in (self._asking, self._reading, self._writing):
            connection.close()

    async def start_anew(self, reason: str) -> None:
        """Forget all but the numbers of days: to be counted from the beginning of the log."""
        numbers = chain(sql.old_numbers(self._writing), sql.recent_numbers(self._writing))
        hindrance = await asyncio.get_running_loop().run_in_executor(
            self._thread, self._write_anew, numbers
        )
        # Nothing may be using the connections; rare enough for the loop to wait.
        for thread in (self._thread, self._asking_thread):
            thread.submit(int).result()
        self._close_all()
        self.forget_failures()
        self._make_anew(reason, hindrance)

    def forget_failures(self) -> None:
        """Be as after a crash: what was saved stands, and what could not be is dropped."""
        self._failed = self.damage = None

    @property
    def positions(self) -> Mapping[str, str]:
        """Where the reader stood when it was last saved."""
        nothing: dict[str, str] = {}
        query = "SELECT log, position FROM positions"
        return self._guarded(lambda: dict(self._reading.execute(query).fetchall()), nothing)

    def ids(self) -> Iterable[tuple[int, int, bytes]]:
        """Blocks of fingerprints, in the order of their numbers. Raises `BadState`."""
        blocks: dict[tuple[int, int], bytearray] = {}
        rows = self._reading.execute("SELECT block, hour, sum, data FROM ids ORDER BY block")
        for block, hour, checksum, data in rows:
            blocks.setdefault((block, hour), bytearray()).extend(checked(data, checksum))
        return [(block, hour, bytes(data)) for (block, hour), data in blocks.items()]

    async def save(self, saved: Saved) -> None:
        """Write it all or nothing.

        Raises `sqlite3.OperationalError`, such as for a full disk: it is written with the next.
        """
        if self._failed is not None:
            self._failed.merge(saved)
            saved, self._failed = self._failed, None
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._thread, sql.write, self._writing, saved
            )
        except sqlite3.OperationalError:
            self._failed = saved
            raise
        self.saves += 1
        self._sites.update(site for site, _, _ in saved.windows)

    @property
    def behind(self) -> bool:
        """Whether the last save failed."""
        return self._failed is not None

    async def stale(self, minute: int, hour: int, limit: int = 1_000) -> list[str]:
        """Sites with minutes or hours before these."""
        values = (int(Kind.MINUTE), minute, int(Kind.HOUR), hour, limit)
        return await self._read(sql.STALE, values, lambda row: row[0])

    async def days(self, site: str, start: int, end: int) -> list[Day]:
        """The days from `start` to `end` (exclusive) as they were saved."""
        return await self._read(sql.DAYS, (site, int(Kind.DAY), start, end), _read_day)

    async def numbers(self, site: str, start: int, end: int) -> list[Numbers]:
        """Numbers of days of which nothing else is kept."""
        return await self._read(sql.NUMBERS, (site, start, end), lambda row: Numbers(*row))

    async def retire(self, oldest_day: int) -> None:
        """Keep of the days before this one the numbers only. Raises what is in `UNREADABLE`."""
        await asyncio.get_running_loop().run_in_executor(
            self._thread, sql.retire, self._writing, oldest_day
        )

    def knows(self, site: str) -> bool:
        """Whether there is anything of a site."""
        return site in self._sites

    def site(self, site: str, since_day: int) -> list[Window]:
        """All minutes and hours of a site, and its days from `since_day` on."""
        values = (site, int(Kind.DAY), since_day)
        nothing: list[Window] = []
        return self._guarded(
            lambda: [window_of(*row) for row in self._reading.execute(sql.SITE, values)], nothing
        )

    def day(self, site: str, start: int) -> Day | None:
        """One day."""
        if site not in self._sites:
            return None
        values = (site, int(Kind.DAY), start)
        nothing: list[Day] = []
        days = self._guarded(
            lambda: list(map(day_of, self._reading.execute(sql.DAY, values))), nothing
        )
        return days[0] if days else None

    def _open_somewhere(self) -> None:
        try:
            self._open(str(self._path))
        except sqlite3.OperationalError as error:
            self._open_in_memory(str(error))

    def _open_in_memory(self, reason: str) -> None:
        fields = {"reason": reason, "file": str(self._path)}
        _log.warning("counts are kept in memory only", extra={"fields": fields})
        self._open(_IN_MEMORY)

    def _open(self, path: str) -> None:
        self._writing = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._writing.execute("PRAGMA journal_mode = WAL")
            self._writing.execute("PRAGMA synchronous = NORMAL")
            # What is deleted is overwritten: not every build of SQLite does so unasked.
            self._writing.execute("PRAGMA secure_delete = ON")
            self._writing.executescript(sql.SCHEMA)
            self._check_version()
            self._reading = self._asking = self._writing
            if path != _IN_MEMORY:
                self._reading = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
                self._asking = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._sites: set[str] = {
                site for (site,) in self._reading.execute("SELECT DISTINCT site FROM windows")
            }
        except BaseException:
            self._writing.close()
            raise

    def _check_version(self) -> None:
        version = str(codec.VERSION)
        self._writing.execute("INSERT OR IGNORE INTO meta VALUES ('version', ?)", (version,))
        (found,) = self._writing.execute("SELECT value FROM meta WHERE name='version'").fetchone()
        if found != version:
            raise BadState(f"of version {found}")

    @property
    def _new_path(self) -> Path:
        return self._path.with_name(f"{FILE}.new")

    def _write_anew(self, numbers: Iterable[SiteNumbers]) -> str:
        """Write a file beside the old one; returns what is in the way, or nothing."""
        try:
            sql.write_anew(self._new_path, numbers)
        except (sqlite3.OperationalError, OSError) as error:
            return str(error)
        return ""

    def _make_anew(self, reason: str, hindrance: str) -> None:
        """Go on with the new file; where there is none the old one stays for the next start."""
        lost = "lists of pages, countries and so on of days that the log does not hold any more"
        fields = {"reason": reason, "file": str(self._path), "lost": lost}
        _log.warning("saved counts cannot be read: counting anew", extra={"fields": fields})
        if hindrance:
            self._open_in_memory(hindrance)
            return
        try:
            sql.put_in_place(self._new_path, self._path)
        except OSError as error:
            self._open_in_memory(str(error))
        else:
            self._open_somewhere()

    def _guarded(self, read: Callable[[], T], nothing: T) -> T:
        try:
            return read()
        except UNREADABLE as error:
            self.damage = error
            return nothing

    async def _read(self, query: str, values: tuple[object, ...], make: Any) -> list[Any]:
        def read() -> list[Any]:
            return [make(row) for row in self._asking.execute(query, values)]

        nothing: list[Any] = []
        loop = asyncio.get_running_loop()
        # In memory there is one connection, and a transaction under way shows on it.
        thread = self._thread if self._asking is self._writing else self._asking_thread
        return await loop.run_in_executor(thread, self._guarded, read, nothing)


def _read_day(row: tuple[int, int, int, bytes]) -> Day:
    """Read all of it here, in the thread."""
    day = day_of(row)
    _ = day.audience
    return day
