"""A disk that is really small, for tests of what happens when it is full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

WITHOUT = "TESTS_WITHOUT_TMPFS"


@contextmanager
def small_disk(directory: Path, size: int) -> Iterator[Path]:
    """Mount a tmpfs of `size` bytes (rounded up to pages) on `directory`, made if missing.

    Needs root, or sudo without a password. Where mounting is refused the test fails, and is
    skipped only if the environment says so: `TESTS_WITHOUT_TMPFS=1`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    options = f"size={size},uid={os.getuid()},gid={os.getgid()},mode=0700"
    _mount_or_fail(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)])
    try:
        yield directory
    finally:
        # Lazy: a server that is still being killed may hold a file open for a moment.
        subprocess.run(_as_root(["umount", "-l", str(directory)]), check=True)


def fill(file: Path) -> None:
    """Take every byte that is left."""
    with file.open("ab", buffering=0) as ballast:
        for size in (4096, 1):
            with suppress(OSError):  # full: that is the aim
                while ballast.write(b"x" * size):
                    pass


def _mount_or_fail(command: list[str]) -> None:
    try:
        subprocess.run(_as_root(command), check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or str(error)
        if os.environ.get(WITHOUT) == "1":
            pytest.skip(f"no tmpfs ({WITHOUT}=1): {reason.strip()}")
        pytest.fail(
            f"a tmpfs cannot be mounted here: {reason.strip()}\n"
            f"Run the tests as root (or with sudo that asks for no password), in a container with "
            f"CAP_SYS_ADMIN; {WITHOUT}=1 skips the tests that need it."
        )


def _as_root(command: list[str]) -> list[str]:
    return command if os.geteuid() == 0 else ["sudo", "-n", *command]
