"""The server started by another program, such as strace or prlimit, that does something to it."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.process import spawn
from tests.support.server import Server, clean_environment


@contextmanager
def wrapped_server(directory: Path, wrapper: Sequence[str], *flags: str) -> Iterator[Server]:
    """Run `wrapper … ingest serve flags…` once in `directory`, and kill it at the block's end."""
    command = [*wrapper, sys.executable, "-m", "ingest", "serve", "--port", "0"]
    command += ["--admin-port", "0", "--data-dir", str(directory / "data"), *flags]
    stdout, stderr = directory / "stdout", directory / "stderr"
    process = spawn(command, env=clean_environment(), stdout=stdout, stderr=stderr)
    with Server(process, directory / "data", stdout, stderr) as server:
        server.wait_until_listening()
        yield server
