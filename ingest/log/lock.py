"""One writer a directory."""

import fcntl
import os
from pathlib import Path

from ingest.log.sink import SinkError

LOCK_FILE = "lock"


class DirectoryInUse(SinkError):
    """Another process writes into the directory."""


class DirectoryLock:
    """Exclusive, and let go by the kernel when the process ends, however it ends.

    The file stays: removing it would let two processes lock two files of one name.
    """

    def __init__(self, directory: Path) -> None:
        """Take it. Raises `DirectoryInUse` when another holds it, or `OSError`."""
        self._descriptor = os.open(directory / LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o640)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise DirectoryInUse(f"{directory} is in use by another process") from None

    def release(self) -> None:
        """Let another take it."""
        os.close(self._descriptor)
