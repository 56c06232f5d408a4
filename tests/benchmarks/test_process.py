"""Ending child processes, and nobody else's."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.process import kill, spawn
from tests.support.wait import until

SLEEPING = [sys.executable, "-c", "import time; time.sleep(600)"]
PARENT = [
    sys.executable,
    "-c",
    f"import subprocess; print(subprocess.Popen({SLEEPING!r}).pid, flush=True)",
]


def _spawn(command, tmp_path, name="out"):
    out = tmp_path / name
    return spawn(command, env={}, stdout=out, stderr=out)


def test_a_process_that_ended_long_ago_takes_no_other_with_it_that_has_its_number(tmp_path):
    ended = _spawn([sys.executable, "-c", ""], tmp_path)
    assert ended.wait() == 0
    strangers = subprocess.Popen(SLEEPING, start_new_session=True)
    try:
        ended.pid = strangers.pid  # the kernel gives a number again that is free
        kill(ended)
        with pytest.raises(subprocess.TimeoutExpired):
            strangers.wait(0.3)
    finally:
        strangers.kill()
        strangers.wait()


def test_what_a_process_left_behind_is_ended_with_it(tmp_path):
    parent = _spawn(PARENT, tmp_path)
    assert parent.wait() == 0
    child = int((tmp_path / "out").read_text())
    assert _state(child) not in {None, "Z"}
    kill(parent)
    until(lambda: _state(child) in {None, "Z"}, what="the child to be gone")


def test_a_process_is_ended_at_once_and_may_be_ended_again(tmp_path):
    process = _spawn(SLEEPING, tmp_path)
    kill(process)
    assert process.returncode == -9
    kill(process)


def _state(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(") ")[2][0]
    except FileNotFoundError:
        return None
