"""Our systemd unit, read as systemd reads it."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "ingest.service"


def read(text: str) -> dict[str, list[str]]:
    """Values by `Section.Key`, in their order: a key may stand more than once."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in text.splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(f"{section}.{key}", []).append(value)
    return found


def analyze(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run systemd-analyze; it needs no running systemd for what we ask."""
    command = ["systemd-analyze", "--no-pager", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def allowed_calls(filters: Iterable[str]) -> set[str]:
    """System calls that `SystemCallFilter=` lines let through, the first of them an allow-list."""
    allowed: set[str] = set()
    for line in filters:
        calls = {call for word in line.removeprefix("~").split() for call in _expanded(word)}
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def _expanded(word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    said = analyze("syscall-filter", word)
    assert said.returncode == 0, said.stderr
    members = [line.strip() for line in said.stdout.splitlines()[1:]]
    return {
        call
        for member in members
        if member and not member.startswith("#")
        for call in _expanded(member)
    }
