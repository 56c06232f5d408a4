"""Builds what is no Python: Telegraf and vegeta with Go, the small collector with Cargo."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from benchmarks.peers import collector, telegraf
from benchmarks.peers.peer import CACHE, which
from benchmarks.process import tail


@dataclass(frozen=True, slots=True)
class Build:
    """How one is built. What is built already is found by the tools themselves."""

    name: str
    tool: str
    source: Path
    command: Sequence[str]
    packages: int
    """About so many are compiled, each a line of output, if none is yet."""
    environment: Mapping[str, str] = field(default_factory=dict)


VEGETA = CACHE / "vegeta"
"""Another load generator, for `benchmarks agree`."""
VEGETA_VERSION = "12.13.0"
_VEGETA = f"github.com/tsenart/vegeta/v12@v{VEGETA_VERSION}"

BUILDS = (
    Build(
        "telegraf",
        "go",
        telegraf.SOURCE,
        ("go", "build", "-v", "-trimpath", "-ldflags", "-s -w", "-o", str(telegraf.PROGRAM), "."),
        700,
    ),
    Build(
        "collector",
        "cargo",
        collector.SOURCE,
        ("cargo", "build", "--release", "--locked", "--target-dir", str(collector.TARGET)),
        100,
    ),
    Build("vegeta", "go", CACHE, ("go", "install", "-v", _VEGETA), 200, {"GOBIN": str(CACHE)}),
)


def build() -> list[str]:
    """Build all that can be; returns what could not, with the reason."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return [f"{each.name}: {why}" for each in BUILDS if (why := _build(each)) is not None]


def _build(build: Build) -> str | None:
    if which(build.tool) is None:
        return f"{build.tool} is not installed"
    log = CACHE / f"{build.name}.log"
    with (
        log.open("w") as written,
        tqdm(total=build.packages, desc=build.name, unit=" packages", disable=None) as bar,
        subprocess.Popen(
            build.command,
            cwd=build.source,
            env=os.environ | build.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            written.write(line)
            bar.update()
    return f"see {log}:\n{tail(log, 15)}" if process.returncode else None
