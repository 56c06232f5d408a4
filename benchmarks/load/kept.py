"""Requests that were made once and are sent to several servers: making them takes a second."""

import hashlib
import json
import marshal
import os
from dataclasses import asdict
from pathlib import Path

from benchmarks.load.plan import Plan
from benchmarks.load.visitors import requests


def prepared(plan: Plan) -> list[bytes]:
    """All requests of a process: those that are kept for these visits, or made and kept."""
    if not plan.kept:
        return requests(plan.target, plan.visits, plan.share)
    file = Path(plan.kept) / _name(plan)
    try:
        authority, made = marshal.loads(file.read_bytes())
    except FileNotFoundError:
        made = requests(plan.target, plan.visits, plan.share)
        _keep(file, marshal.dumps((plan.target.authority, made)))
        return made
    if authority == plan.target.authority:
        return list(made)
    theirs, ours = _host(authority), _host(plan.target.authority)
    return [request.replace(theirs, ours, 1) for request in made]


def _name(plan: Plan) -> str:
    """Of all that requests depend on, but for the server's name and port."""
    paths = (plan.target.path, plan.target.post_path)
    asked = json.dumps((asdict(plan.visits), plan.share, paths))
    return hashlib.sha256(asked.encode()).hexdigest()[:32]


def _host(authority: str) -> bytes:
    return f"\r\nHost: {authority}\r\n".encode("ascii")


def _keep(file: Path, content: bytes) -> None:
    """Write it whole or not at all: another process may look for it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f"{file.name}.{os.getpid()}")
    half.write_bytes(content)
    half.rename(file)
