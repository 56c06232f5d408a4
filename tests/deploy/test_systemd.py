"""deploy/systemd/ingest.service, by systemd's own judgement and against the server's needs."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.__main__ import EXIT_USAGE, _parser
from ingest.config import Http, Shutdown
from ingest.configure import options
from tests.support.process import spawn
from tests.support.raw import request
from tests.support.server import Server, clean_environment
from tests.support.unit import UNIT, allowed_calls, analyze, read
from tests.support.wait import until

SERVICE = read(UNIT.read_text())


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with a program that is there: systemd looks."""
    copy = tmp_path / UNIT.name
    text, count = re.subn(r"/opt/ingest/bin/ingest", sys.executable, UNIT.read_text())
    assert count
    copy.write_text(text)
    return copy


def test_systemd_takes_every_line_of_it(installed: Path) -> None:
    said = analyze("verify", "--man=no", "--recursive-errors=no", str(installed))
    assert said.returncode == 0, said.stderr
    assert UNIT.name not in said.stderr


def test_systemd_rates_its_exposure_as_low(installed: Path) -> None:
    """From 0 (safe) to 10, here in tenths: a service without any of it has 9.6."""
    said = analyze("security", "--offline=true", "--threshold=20", str(installed))
    assert said.returncode == 0, said.stdout


def test_it_starts_the_server_with_words_and_options_that_exist() -> None:
    (command,) = SERVICE["Service.ExecStart"]
    program, *words = command.split()
    assert program == "/opt/ingest/bin/ingest"
    assert _parser().parse_args(words).command == "serve"
    known = {option.env for option in options()}
    for assignment in SERVICE["Service.Environment"]:
        assert assignment.partition("=")[0] in known
    named_in_comments = set(re.findall(r"BEACON_\w+", UNIT.read_text()))
    assert named_in_comments <= known


def test_its_data_lies_where_systemd_lets_it_write() -> None:
    environment = dict(line.split("=", 1) for line in SERVICE["Service.Environment"])
    (state,) = SERVICE["Service.StateDirectory"]
    assert environment["BEACON_DATA_DIR"] == f"/var/lib/{state}"
    assert SERVICE["Service.StateDirectoryMode"] == ["0700"]


def test_an_orderly_stop_has_the_time_it_may_take() -> None:
    (seconds,) = SERVICE["Service.TimeoutStopSec"]
    assert int(seconds) > Shutdown().grace
    assert SERVICE["Service.KillMode"] == ["mixed"]  # SIGTERM to the parent, which stops workers


def test_there_are_descriptors_for_every_connection() -> None:
    (limit,) = SERVICE["Service.LimitNOFILE"]
    assert int(limit) > 2 * Http().max_connections


def test_a_bad_configuration_is_not_started_again_and_again(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ingest", "serve", "--set", "no.such=1"]
    done = subprocess.run(
        command, capture_output=True, env=clean_environment(), timeout=60, check=False
    )
    assert done.returncode == EXIT_USAGE
    assert SERVICE["Service.RestartPreventExitStatus"] == [str(EXIT_USAGE)]


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A server, and the file with its system calls."""
    trace = tmp_path / "trace"
    # -D: the server is our child and gets our signals, strace is the one that stands aside.
    command = ["strace", "-D", "-f", "-qq", "-e", "signal=none", "-o", str(trace)]
    command += [sys.executable, "-m", "ingest", "serve", "--port", "0", "--admin-port", "0"]
    command += ["--data-dir", str(tmp_path / "data")]
    stdout, stderr = tmp_path / "stdout", tmp_path / "stderr"
    process = spawn(command, env=clean_environment(), stdout=stdout, stderr=stderr)
    with Server(process, tmp_path / "data", stdout, stderr) as server:
        server.wait_until_listening()
        yield server, trace


def test_the_server_makes_no_system_call_that_the_unit_refuses(
    traced: tuple[Server, Path],
) -> None:
    server, trace = traced
    assert request(server.url, "/p.gif?s=example").outcome == "stored"
    assert request(server.url, "/opt-out").status == 200
    assert request(server.admin_url, "/metrics").status == 200
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    until(lambda: re.search(rf"^{server.pid} +exit_group\(", trace.read_text(), re.M))
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.M))
    assert {"fdatasync", "accept4", "epoll_pwait"} <= made
    allowed = allowed_calls(SERVICE["Service.SystemCallFilter"])
    assert "chown" not in allowed
    # SQLite gives its files to their directory's owner, where root runs it: the unit does not.
    assert made - {"fchown"} <= allowed if os.geteuid() == 0 else made <= allowed
