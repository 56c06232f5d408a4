"""The key of the day: it hashes visitors, and nobody can compute it again once its day is over."""

import fcntl
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

DAY_MS = 86_400_000
KEY_BYTES = 32
_STEP = b"beacon day key"
_FORM = re.compile(rb"v1 ([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9a-f]{64})\n?")
_MOST_DAYS = 36_525
_RETRY_MS = 60_000
_EPOCH = date(1970, 1, 1)
_log = logging.getLogger(__name__)


class KeyFileError(Exception):
    """The key file cannot be used; the message names it and says why, never what it holds."""


class _Dated(NamedTuple):
    """A key and the UTC day it is for."""

    day: int
    """Days since 1970-01-01."""
    key: bytes


class DayKey:
    """A key file shared by all processes of one machine; machines share it by copying it once.

    For each day that passes the key is replaced by its own hash and the old one overwritten, so
    that a machine that was off comes to the same key, and no past one can be had back.
    """

    def __init__(self, path: Path, entropy: Callable[[int], bytes], now: int) -> None:
        """Read the file, or make it for the day of `now`, in epoch milliseconds.

        Raises `KeyFileError`.
        """
        self._path = path
        self._written = False
        self._retry = 0
        try:
            with _locked(path):
                found = _read(path)
                if found is not None and found.day > now // DAY_MS + 1:
                    reason = "its day lies in the future; is the clock right?"
                    raise KeyFileError(f"key file {path}: {reason}")
                if found is None:
                    found = _Dated(now // DAY_MS, entropy(KEY_BYTES))
                    _write(path, found)
        except OSError as error:
            raise KeyFileError(f"key file {path}: {error.strerror}") from None
        self._current = found
        self._written = True

    def key(self, now: int) -> bytes:
        """Return the key for the UTC day of `now`, in epoch milliseconds.

        For an earlier day than the key's, as after a clock was set back, it is the key there is:
        earlier ones cannot be computed.
        """
        day = now // DAY_MS
        if day > self._current.day or (not self._written and now >= self._retry):
            self._roll(day, now)
        return self._current.key

    @property
    def day(self) -> int:
        """The day of the key in use, in days since 1970-01-01."""
        return self._current.day

    def _roll(self, day: int, now: int) -> None:
        """Come to the key of `day`; where it cannot be written, go on and try again in a minute."""
        try:
            with _locked(self._path):
                found = _read(self._path)
                newest = max((self._current, found or self._current), key=lambda dated: dated.day)
                self._current = _forward(newest, day)
                if found is None or found.day < self._current.day:
                    _write(self._path, self._current)
            self._written = True
        except (OSError, KeyFileError) as error:
            self._current = _forward(self._current, day)
            self._written, self._retry = False, now + _RETRY_MS
            _log.warning(
                "day key not written",
                extra={"fields": {"file": str(self._path), "reason": type(error).__name__}},
            )


def _forward(dated: _Dated, day: int) -> _Dated:
    if day - dated.day > _MOST_DAYS:
        raise KeyFileError("the clock is a hundred years ahead of the key")
    key = dated.key
    for passed in range(dated.day + 1, day + 1):
        key = blake2b(passed.to_bytes(8), key=key, person=_STEP, digest_size=KEY_BYTES).digest()
    return _Dated(max(day, dated.day), key)


def _read(path: Path) -> _Dated | None:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    match = _FORM.fullmatch(raw)
    if match is None:
        raise KeyFileError(f"key file {path}: not in the form 'v1 YYYY-MM-DD KEY'")
    try:
        day = (date.fromisoformat(match[1].decode()) - _EPOCH).days
    except ValueError:
        raise KeyFileError(f"key file {path}: its date is none") from None
    return _Dated(day, bytes.fromhex(match[2].decode()))


def _write(path: Path, dated: _Dated) -> None:
    """Put a new file in place of the old one, whose bytes are overwritten first."""
    day = datetime.fromtimestamp(dated.day * DAY_MS // 1000, UTC).date().isoformat()
    text = f"v1 {day} {dated.key.hex()}\n".encode()
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    old = _open_old(path)
    fresh.replace(path)
    if old is not None:
        _overwrite(old)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _open_old(path: Path) -> int | None:
    try:
        return os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        return None


def _overwrite(descriptor: int) -> None:
    """Best effort: a file system that copies on write keeps the old bytes until it reuses them."""
    try:
        os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
