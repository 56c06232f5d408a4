"""The server as its own process, as users run it."""

import itertools
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.process import clean_environment, kill, spawn, tail
from tests.support.wait import until

START_TIMEOUT = 30.0
STOP_TIMEOUT = 30.0


class Server:
    """A running `ingest serve`. As a context manager it is killed at the end of the block."""

    def __init__(
        self, process: subprocess.Popen[bytes], data_dir: Path, stdout: Path, stderr: Path
    ) -> None:
        self.process = process
        self.data_dir = data_dir
        self._stdout = stdout
        self._stderr = stderr
        self.url = ""
        """Where pings go: `http://127.0.0.1:PORT`, without a slash at the end."""
        self.admin_url = ""
        """Where metrics and health are."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    @property
    def port(self) -> int:
        """The port of `url`."""
        return int(self.url.rpartition(":")[2])

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    @property
    def accepts(self) -> bool:
        """Whether it takes connections; once it does not, all that a stop closes is closed."""
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True

    def stdout_text(self) -> str:
        """Everything written to standard output so far."""
        return self._stdout.read_text(errors="replace")

    def stderr_text(self) -> str:
        """Everything written to standard error so far."""
        return self._stderr.read_text(errors="replace")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log lines of `event` so far."""
        return [line for line in self._lines() if line.get("event") == event]

    def terminate(self, timeout: float = STOP_TIMEOUT) -> int:
        """Ask it to stop (SIGTERM), wait, and return the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout: float = STOP_TIMEOUT) -> int:
        """Wait for the end and return the exit code; a late one fails with the log's tail."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not ended after {timeout} s:\n{tail(self._stderr)}") from None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process (not to its children)."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it and its children at once (SIGKILL)."""
        kill(self.process)

    def wait_until_listening(self) -> None:
        """Take the addresses from the log; fails with the log's tail when it does not start."""
        until(
            lambda: self.logged("listening") or not self.running,
            START_TIMEOUT,
            "the server to listen",
        )
        lines = self.logged("listening")
        if not lines:
            code = self.process.wait()
            raise AssertionError(f"ended at start with code {code}:\n{tail(self._stderr)}")
        self.url = str(lines[0]["url"]).rstrip("/")
        self.admin_url = str(lines[0]["admin_url"]).rstrip("/")

    def _lines(self) -> Iterator[dict[str, Any]]:
        for line in self.stderr_text().splitlines(keepends=True):
            if line.startswith("{") and line.endswith("}\n"):
                yield json.loads(line)


def start_server(
    directory: Path,
    *flags: str,
    env: Mapping[str, str] | None = None,
    wait: bool = True,
    wrapper: Sequence[str] = (),
) -> Server:
    """Run `ingest serve` with `flags` on free ports, data in `directory`/data, and wait for it.

    `env` is added to the environment; `BEACON_…` variables of whoever runs the tests are not seen.
    Later flags win, so `--port` and `--data-dir` can be given. With `wait=False` it is returned at
    once, for tests of a start that fails. `wrapper`: words in front of the command, of a program
    that does something to it, such as strace or prlimit.
    """
    number = next(n for n in itertools.count() if not (directory / f"server-{n}.stderr").exists())
    stdout, stderr = directory / f"server-{number}.stdout", directory / f"server-{number}.stderr"
    data_dir = directory / "data"
    if "--data-dir" in flags:
        data_dir = Path(flags[len(flags) - flags[::-1].index("--data-dir")])
    command = [
        *wrapper,
        sys.executable,
        "-m",
        "ingest",
        "serve",
        "--port",
        "0",
        "--admin-port",
        "0",
    ]
    command += ["--data-dir", str(data_dir), *flags]
    process = spawn(command, env=clean_environment(env), stdout=stdout, stderr=stderr)
    server = Server(process, data_dir, stdout, stderr)
    if wait:
        try:
            server.wait_until_listening()
        except BaseException:
            server.kill()
            raise
    return server
