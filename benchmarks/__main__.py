"""`python -m benchmarks COMMAND`; each says more with `--help`.

run           every server under every load, side by side
plot          draw the results of a run
compare       by how much the ratios of two runs differ
plan          machines, disk and network for a rate, from the results of a run
readme        the table of record in README.md
profile       where the server's time goes: a flame graph, and µs per step
load          send pings to any server, by the clock or as many as it takes
peers         the servers there are: build, check
agree         compare the load generator with others
reconcile     prove that nothing confirmed is lost
before-after  CPU per ping beside another checkout's
counted       events counted per second, memory a site
viewers       what viewers of a live stream cost
"""

import sys
from collections.abc import Sequence
from importlib import import_module

_COMMANDS = {
    "run": "benchmarks.scenarios.command",
    "plot": "benchmarks.plots",
    "compare": "benchmarks.compare",
    "plan": "benchmarks.planning",
    "readme": "benchmarks.readme",
    "profile": "benchmarks.profile",
    "load": "benchmarks.load.command",
    "peers": "benchmarks.peers.command",
    "agree": "benchmarks.agree.command",
    "reconcile": "benchmarks.reconcile_command",
    "before-after": "benchmarks.before_after",
    "counted": "benchmarks.counted",
    "viewers": "benchmarks.viewers",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the words say; returns the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if not words or words[0] not in _COMMANDS:
        asked = bool({"-h", "--help"} & set(words[:1]))
        print(__doc__, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    code: int = import_module(_COMMANDS[words[0]]).main(words[1:])
    return code


if __name__ == "__main__":
    sys.exit(main())
