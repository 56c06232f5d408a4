"""Runs the processes of a load, all at the same time, and adds up what they found."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.load.plan import Plan
from benchmarks.load.result import Part, Result

_ROOT = Path(__file__).resolve().parents[2]
_LINE = 64 * 1024 * 1024
"""Bytes of a line from a process at most: a histogram is in it."""


class GeneratorFailed(Exception):
    """A process of the generator ended before its time; its own words stand above."""


class Generator:
    """The processes of one load: `prepare` them, then `run`. As a block it ends them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._processes: list[Process] = []

    async def __aenter__(self) -> "Generator":
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.kill()
            await process.wait()

    @property
    def pids(self) -> list[int]:
        """Numbers of the processes."""
        return [process.pid for process in self._processes]

    async def prepare(self) -> dict[str, int]:
        """Start them and wait until all have warmed up; returns the answers to the warm-up."""
        for plan in self._plan.split():
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.load.worker",
                stdin=PIPE, stdout=PIPE, cwd=_ROOT, limit=_LINE,
                start_new_session=True,  # Ctrl-C is its caller's to take
            )  # fmt: skip
            self._processes.append(process)
            _tell(process, plan.as_json())
        answers: dict[str, int] = {}
        for process in self._processes:
            for how, count in (await _hear(process))["ready"].items():
                answers[how] = answers.get(how, 0) + count
        return answers

    async def run(self, progress: Callable[[int], object] = lambda _done: None) -> Result:
        """Run the load; `progress` hears of how many requests more are over."""
        for process in self._processes:
            _tell(process, "go")
        found = await asyncio.gather(*(_result(each, progress) for each in self._processes))
        return Result.of(self._plan, found)


async def _result(process: Process, progress: Callable[[int], object]) -> Part:
    done = 0
    while "done" in (said := await _hear(process)):
        progress(said["done"] - done)
        done = said["done"]
    return Part.from_dict(said["result"])


def _tell(process: Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line.encode() + b"\n")


async def _hear(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise GeneratorFailed(f"a generator process ended with code {await process.wait()}")
    said: dict[str, Any] = json.loads(line)
    return said
