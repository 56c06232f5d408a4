"""The server's own key, with which cookies for reading private sites are made."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from ingest.beacon.day_key import KeyFileError
from ingest.config import Config

_NAME = "read.key"
_BYTES = 32


def reading_key(config: Config) -> bytes:
    """Return the key of `read.key` in the data directory, which the first start makes.

    Without a sites file no site is private, and no file is made. Raises `KeyFileError`, `OSError`.
    """
    if config.sites.file is None:
        return secrets.token_bytes(_BYTES)
    path = config.data_dir / _NAME
    with suppress(FileNotFoundError):
        return _read(path)
    _make(path)
    return _read(path)


def _read(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != _BYTES:
        raise KeyFileError(f"key file {path}: is not {_BYTES} bytes long; delete it for a new one")
    return key


def _make(path: Path) -> None:
    """Whole or not at all; another process may have been first, and its key is ours too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    new = Path(name)
    try:
        os.write(descriptor, secrets.token_bytes(_BYTES))
        os.fsync(descriptor)
        with suppress(FileExistsError):
            path.hardlink_to(new)
    finally:
        os.close(descriptor)
        new.unlink()
