"""What a report says of the machine, the versions and the commit."""

import datetime
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.broker import JARS
from benchmarks.peers.peer import ROOT, Peer, said_version, which
from benchmarks.python_build import is_profile_guided
from ingest.compiled import is_compiled


def about(peers: Sequence[Peer]) -> dict[str, object]:
    """All that a reader needs to run the same again."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "cpu": _cpu(),
            "cores": len(os.sched_getaffinity(0)),
            "kernel": platform.release(),
            "architecture": platform.machine(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            "load_before": os.getloadavg()[0],
        },
        "python": platform.python_version(),
        "profile_guided": is_profile_guided(),
        "compiled": is_compiled(),
        "kafka": _kafka(),
        "servers": {
            peer.name: {
                "version": None if peer.missing() else peer.version(),
                "missing": peer.missing(),
                "does_not": peer.does.lacks(),
            }
            for peer in peers
        },
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def _kafka() -> str:
    """Kafka's version, of the name of its jar, and Java's."""
    jars = sorted(JARS.glob("kafka_2.13-*.jar"))
    if not jars or which("java") is None:
        return "not installed"
    return (
        f"Apache Kafka {jars[0].stem.rpartition('-')[2]}, Java {said_version('java', '-version')}"
    )


def _commit() -> str:
    """The commit, and whether files differ from it; `unknown` outside a checkout."""
    said = [
        subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
    ]
    if said[0].returncode:
        return "unknown"
    return said[0].stdout.strip() + (" with changes" if said[1].stdout.strip() else "")
