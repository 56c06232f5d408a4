"""Debian's Chromium as its own process, as visitors run it."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from tests.support.process import kill, spawn, tail
from tests.support.server import clean_environment
from tests.support.wait import until

_FLAGS = (
    "--headless",
    "--no-sandbox",  # tests may run as root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",  # as on phones, where they lie over the page
    "--host-resolver-rules=MAP *.test 127.0.0.1",
)


class ThirdPartyCookies(IntEnum):
    """What the profile's `cookie_controls_mode` says."""

    ALLOWED = 0
    BLOCKED = 1


class Chromium:
    """A running browser with a profile of its own."""

    def __init__(self, process: subprocess.Popen[bytes], profile: Path, log: Path) -> None:
        self.process = process
        self._port_file = profile / "DevToolsActivePort"
        self._log = log

    def devtools(self) -> str:
        """Where its DevTools listen; waits for the start."""
        until(self._listening, 60, "Chromium to listen")
        return f"http://127.0.0.1:{self._port_file.read_text().split()[0]}"

    def kill(self) -> None:
        """End it."""
        kill(self.process)

    def _listening(self) -> bool:
        assert self.process.poll() is None, f"Chromium ended:\n{tail(self._log)}"
        return self._port_file.exists() and "/devtools" in self._port_file.read_text()


def start_chromium(
    directory: Path,
    cookies: ThirdPartyCookies = ThirdPartyCookies.ALLOWED,
    *,
    devtools: bool = True,
    pages: Sequence[str] = (),
) -> Chromium:
    """Run it. Without DevTools it can prerender, and is only to be watched from the server."""
    program = shutil.which("chromium")
    assert program, "Chromium is missing: tests/setup.sh test brings it"
    profile = directory / "profile"
    preferences = profile / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    preferences.write_text(json.dumps({"profile": {"cookie_controls_mode": int(cookies)}}))
    log = directory / "chromium.log"
    port = ("--remote-debugging-port=0",) if devtools else ()
    command = [program, *_FLAGS, *port, f"--user-data-dir={profile}", *(pages or ("about:blank",))]
    process = spawn(command, env=clean_environment(), stdout=log, stderr=log)
    return Chromium(process, profile, log)
