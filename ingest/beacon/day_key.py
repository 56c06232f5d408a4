"""The key of the UTC day under which visitors' numbers are made, and its file.

Each day's key is the hash of the day before's, and the old one is overwritten: who has the file
can compute the days to come, never a day that is past. So machines share the keys by copying the
file once. The file is one line, `v1 YYYY-MM-DD` and 64 hexadecimal digits.
"""

import fcntl
import logging
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

_log = logging.getLogger(__name__)
_DAY_MS = 86_400_000
_RETRY_MS = 60_000
_EPOCH = date(1970, 1, 1).toordinal()
_LAST_DAY = date.max.toordinal() - _EPOCH
_SIZE = 32
_LINE = re.compile(rb"v1 (\d{4}-\d{2}-\d{2}) ([0-9a-f]{64})\n").fullmatch
_LONGEST = 256  # longer than any key file is
_PURPOSE = b"beacon-next-day"


class KeyFileError(Exception):
    """The key file cannot be used; the message names it and says what is wrong."""


class _Dated(NamedTuple):
    day: int
    """Days since 1970-01-01."""
    key: bytes

    def on(self, day: int) -> "_Dated":
        """Hash forward to a day; an earlier one cannot be had, and gives this one."""
        key = self.key
        for _ in range(self.day, day):
            key = blake2b(key, digest_size=_SIZE, person=_PURPOSE).digest()
        return _Dated(max(day, self.day), key)


class DayKey:
    """Gives the key of the day, and keeps its file up to date.

    Several processes may share the file: the file's lock is its directory's, and whoever comes
    second takes what the first has written.
    """

    def __init__(self, path: Path, entropy: Callable[[int], bytes], now_ms: int) -> None:
        """Read the file, or make it (mode 0600) from 32 bytes of `entropy` where there is none.

        A new file is for the UTC day of `now_ms`, epoch milliseconds. Raises `KeyFileError`.
        """
        self._path = path.resolve()  # a link's target is replaced, not the link
        self.warning: str | None = None
        """What the operator should mend, in plain words: others may read the file."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self._path.parent, wait=True):
                self._new_file().unlink(missing_ok=True)  # a key left by a crash
                self._current = self._first(entropy, now_ms)
            self._check_mode()
        except OSError as error:
            raise KeyFileError(f"key file {path}: {error.strerror or error}") from error
        self._until = 0
        self._complained = ""

    def key(self, now_ms: int) -> bytes:
        """Return the key (32 bytes) of the UTC day of `now_ms`, epoch milliseconds.

        When the clock is set back the newer key stays: past keys cannot be computed. Once a day
        this writes and syncs 80 bytes; a failure is logged and tried again a minute later, with
        the day's key in memory meanwhile.
        """
        if now_ms >= self._until:
            self._roll(now_ms)
        return self._current.key

    def _first(self, entropy: Callable[[int], bytes], now_ms: int) -> _Dated:
        try:
            return self._read()
        except FileNotFoundError:
            made = _Dated(now_ms // _DAY_MS, entropy(_SIZE))
            self._write(made)
            return made

    def _roll(self, now_ms: int) -> None:
        today = min(now_ms // _DAY_MS, _LAST_DAY)
        known = self._current.on(today)
        self._until = now_ms + _RETRY_MS
        try:
            with _locked(self._path.parent, wait=False):
                known = self._agree(known, today)
        except BlockingIOError:
            pass  # another process is writing the same key
        except OSError as error:
            self._complain("visitors' key not written", error.strerror or str(error))
        except KeyFileError as error:
            self._complain("visitors' key not written", str(error))
        else:
            self._complained = ""
            self._until = (known.day + 1) * _DAY_MS
            if known.day > today + 1:
                self._complain("visitors' key stays", f"its day is {known.day - today} days ahead")
        # The same object while the key is the same: who derives from it compares by identity.
        if known.key != self._current.key:
            self._current = known

    def _agree(self, known: _Dated, today: int) -> _Dated:
        """Return what the file says, hashed forward; write that, or `known` when it is gone."""
        try:
            found = self._read()
        except FileNotFoundError:
            self._write(known)
            return known
        forward = found.on(today)
        if forward.day != found.day:
            self._write(forward)
        return forward

    def _read(self) -> _Dated:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise KeyFileError(f"key file {self._path}: is no regular file")
            return _parsed(os.read(descriptor, _LONGEST), self._path)
        finally:
            os.close(descriptor)

    def _write(self, dated: _Dated) -> None:
        """Replace the file in one step, then overwrite the bytes of the old one (best effort)."""
        line = f"v1 {date.fromordinal(_EPOCH + dated.day)} {dated.key.hex()}\n".encode()
        new = self._new_file()
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        old = self._open_old()
        try:
            new.replace(self._path)
            with _open_directory(self._path.parent) as directory:
                os.fsync(directory)
            if old is not None:
                with suppress(OSError):
                    os.pwrite(old, b"\0" * len(line), 0)
                    os.fsync(old)
        finally:
            if old is not None:
                os.close(old)

    def _open_old(self) -> int | None:
        try:
            return os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            return None

    def _new_file(self) -> Path:
        return self._path.with_name(f"{self._path.name}.new")

    def _check_mode(self) -> None:
        mode = stat.S_IMODE(self._path.stat().st_mode)
        if mode & 0o077:
            self.warning = f"key file {self._path}: mode {mode:04o} lets others use it; chmod 600"

    def _complain(self, event: str, reason: str) -> None:
        """Log a problem once, until it is over or another one."""
        if reason != self._complained:
            self._complained = reason
            _log.warning(event, extra={"fields": {"file": str(self._path), "reason": reason}})


@contextmanager
def _open_directory(directory: Path) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _locked(directory: Path, *, wait: bool) -> Iterator[None]:
    """Hold the directory's lock: the file itself is replaced, and a lock on it with it."""
    with _open_directory(directory) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _parsed(content: bytes, path: Path) -> _Dated:
    match = _LINE(content)
    if match is None:
        raise KeyFileError(f"key file {path}: is not one line `v1 YYYY-MM-DD` and 64 hex digits")
    try:
        day = date.fromisoformat(match[1].decode()).toordinal() - _EPOCH
    except ValueError as error:
        raise KeyFileError(f"key file {path}: {error}") from error
    return _Dated(day, bytes.fromhex(match[2].decode()))
