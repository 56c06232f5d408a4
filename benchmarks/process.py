"""Child processes that do not outlive whoever started them, however that ends."""

import atexit
import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)  # loaded here: between fork and exec it is too late
_SIGKILL = int(signal.SIGKILL)


def spawn(
    command: Sequence[str], *, env: Mapping[str, str], stdout: Path, stderr: Path
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, its output in files, without standard input.

    The kernel kills it when the thread that started it ends, so start from the main thread (the
    one that tests and their event loops run in), never from a pool's.
    """
    with stdout.open("ab") as out, stderr.open("ab") as err:
        process = subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (one system call, nothing allocated)
        )
    atexit.register(kill, process)
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children at once (SIGKILL), and wait until it is gone.

    Also where it has ended before: its children may go on. But its number may be another's by now,
    which that one then leads its group with; while a group has members no number is given again.
    """
    if process.poll() is None or not Path(f"/proc/{process.pid}").exists():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tail(file: Path, lines: int = 40) -> str:
    """Return the last lines of a log, for the message of a failed test."""
    if not file.exists():
        return "(nothing was written)"
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])


def clean_environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return our environment without `BEACON_…` variables, `added` over it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BEACON_")}
    return kept | dict(added or {})


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, _SIGKILL)
