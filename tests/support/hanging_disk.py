"""A disk whose syncs do not come back, until it is told to be well."""

import os
import signal
from pathlib import Path


def hanging_disk(good: int) -> tuple[str, ...]:
    """The words in front of a command whose first `good` calls of fdatasync(2) alone return."""
    # -D: the server is our child, strace is the one that stands aside.
    strace = ("strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "signal=none")
    hang = f"inject=fdatasync:delay_enter=3600000000:when={good + 1}+"
    return (*strace, "-e", "trace=fdatasync", "-e", hang)


def well_again(pid: int) -> None:
    """Let the process's syncs return; one that has ended is kept from it by its strace, too."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("TracerPid:"))
    strace = int(line.split()[1])
    assert strace, "its disk does not hang"  # 0 would be our own group
    os.kill(strace, signal.SIGKILL)
