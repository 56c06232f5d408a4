"""`python -m benchmarks peers`: which servers there are, what each does; build and check them."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.broker import running_broker
from benchmarks.peers.all import OURS, PEERS
from benchmarks.peers.build import build
from benchmarks.peers.check import check
from benchmarks.peers.peer import Peer


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 1 if something could not be built, or is not as it is said to be."""
    parser = argparse.ArgumentParser(prog="benchmarks peers", description=__doc__)
    parser.add_argument("--build", action="store_true", help="Telegraf (go), a collector (cargo)")
    parser.add_argument("--check", action="store_true", help="ping each, and look on a real Kafka")
    parsed = parser.parse_args(arguments)
    failed = build() if parsed.build else []
    for line in failed:
        print(f"peers: {line}", file=sys.stderr)
    everything = [*OURS, *PEERS]
    print(table(everything))
    wrong = _check(everything) if parsed.check else []
    return 1 if failed or wrong else 0


def table(peers: Sequence[Peer]) -> str:
    """What each is and lacks, as Markdown."""
    lines = ["| server | version | does not |", "|---|---|---|"]
    for peer in peers:
        missing = peer.missing()
        is_version = f"missing: {missing}" if missing else peer.version()
        lines.append(f"| {peer.name} | {is_version} | {', '.join(peer.does.lacks()) or '–'} |")
    return "\n".join(lines) + "\n"


def _check(peers: Sequence[Peer]) -> list[str]:
    wrong: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as directory,
        running_broker(Path(directory) / "kafka") as broker,
    ):
        for number, peer in enumerate(peers):
            place = Path(directory) / str(number)
            missing = peer.missing()
            found = [] if missing else check(peer, broker.bootstrap, f"check-{number}", place)
            said = missing or ", ".join(found) or "as it is said to be"
            print(f"{peer.name}: {said}", flush=True)
            wrong += found
    return wrong
