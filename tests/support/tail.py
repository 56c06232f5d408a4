"""Events as a user reads them back: by `ingest tail`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.server import clean_environment


def tail_events(data_dir: Path, *flags: str) -> list[dict[str, Any]]:
    """Return every event in the store under `data_dir`, oldest first."""
    return _tail("--data-dir", str(data_dir), *flags)


def tail_topic(bootstrap: str, topic_prefix: str, *flags: str) -> list[dict[str, Any]]:
    """Return every event on the Kafka topic."""
    return _tail("--kafka", bootstrap, "--set", f"kafka.topic_prefix={topic_prefix}", *flags)


def _tail(*flags: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "ingest", "tail", "--no-follow", *flags]
    done = subprocess.run(
        command, capture_output=True, timeout=60, env=clean_environment(), check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]
