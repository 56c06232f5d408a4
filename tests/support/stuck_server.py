"""A listener whose sink never answers, in a process of its own: what it holds is what waits.

Each line on standard input is answered with a line of JSON: requests received and in flight, and
the process's resident bytes.
"""

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.http.harness import Harness, harness


def _resident() -> int:
    match = re.search(r"^VmRSS:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.M)
    assert match
    return int(match[1]) * 1024


def _report(server: Harness) -> None:
    counts = server.counts
    shown = {
        "received": counts.received,
        "in_flight": counts.in_flight,
        "resident": _resident(),
        "balanced": server.balanced(),
    }
    print(json.dumps(shown), flush=True)


async def _main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with harness(Path(directory), http=json.loads(sys.argv[1])) as server:
            server.sink.open.clear()
            print(server.port, flush=True)
            while await asyncio.to_thread(sys.stdin.readline):
                _report(server)
            server.sink.open.set()


if __name__ == "__main__":
    uvloop.run(_main())
