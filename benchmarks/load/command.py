"""`python -m benchmarks load URL`: send pings to a server, and say how it bore them.

    python -m benchmarks load http://127.0.0.1:8080/p.gif --rate 5000 --seconds 30
    python -m benchmarks load https://beacon.example/e --kind json --connections 512

With --rate pings are sent by the clock, and latencies count from the time at which a ping was due
(no coordinated omission). Without it each connection sends its next ping when it has its answer:
that finds the most a server takes, and says little of latency. Every ping is another visitor's
unless --sticky is given. Load only what is yours.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from benchmarks.arguments import above_zero, at_least_one, not_negative, share
from benchmarks.load.generate import Generator, GeneratorFailed
from benchmarks.load.plan import Kind, Plan, Target, Visits
from benchmarks.load.result import Result, as_json

_BAR = "{l_bar}{bar}| {n:.0f} of {total:.0f} s, {remaining} left{postfix}"
"""By seconds: how many pings there will be is the server's to say where no rate is given."""
EXIT_OK, EXIT_FAILURES, EXIT_NO_REPORT = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """Run it; 0 all answers were good, 1 some were not, 2 there is nothing to report."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    try:
        plan = _plan(parsed)
    except ValueError as error:
        parser.error(str(error))
    try:
        result = asyncio.run(_run(plan))
    except GeneratorFailed as error:
        print(f"load: {error}", file=sys.stderr)
        return EXIT_NO_REPORT
    doubts = result.doubts(parsed.max_lag / 1e3)
    if parsed.json is not None:
        parsed.json.write_text(as_json(plan, result, doubts))
    for doubt in doubts:
        print(f"load: no report: {doubt}", file=sys.stderr)
    if doubts:
        return EXIT_NO_REPORT
    print(result.text())
    return EXIT_OK if result.good == result.requests else EXIT_FAILURES


async def _run(plan: Plan) -> Result:
    async with Generator(plan) as generator:
        print("preparing, connecting and warming up", file=sys.stderr)
        await generator.prepare()
        with tqdm(total=plan.seconds, bar_format=_BAR, smoothing=0, disable=None) as bar:
            began, pings = time.monotonic(), 0

            def progress(more: int) -> None:
                nonlocal pings
                pings += more
                bar.set_postfix_str(f"{pings:,} pings", refresh=False)
                bar.update(min(time.monotonic() - began, plan.seconds) - bar.n)

            return await generator.run(progress)


def _plan(parsed: argparse.Namespace) -> Plan:
    if parsed.connections < parsed.processes:
        raise ValueError("each process needs a connection: --connections is below --processes")
    visits = Visits(parsed.kind, parsed.seed, parsed.sites, parsed.opt_outs, parsed.sticky)
    return Plan(
        Target.of(parsed.url, parsed.post_path),
        visits,
        parsed.rate,
        parsed.seconds,
        parsed.warm_up,
        parsed.connections,
        parsed.pings_per_connection,
        parsed.new_connections_rate,
        parsed.timeout,
        parsed.processes,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("url", help="where pings go, such as http://127.0.0.1:8080/p.gif")
    add("--rate", type=above_zero, help="requests a second; without it as many as are answered")
    add("--seconds", type=above_zero, default=10.0, help="how long (default 10)")
    add(
        "--warm-up", type=not_negative, default=1.0, help="seconds before, not reported (default 1)"
    )
    add("--connections", type=at_least_one, default=64, help="open at once (default 64)")
    add("--kind", type=Kind, choices=list(Kind), default=Kind.PIXEL, help="default pixel")
    add("--post-path", default="/e", help="where --kind mixed posts JSON (default /e)")
    add("--sticky", action="store_true", help="each connection is one browser's own")
    add(
        "--pings-per-connection",
        type=at_least_one,
        metavar="K",
        help="then it is closed; default: kept",
    )
    add("--new-connections-rate", type=not_negative, default=0.0, metavar="R",
        help="connections a second that are closed and opened anew")  # fmt: skip
    add("--sites", type=at_least_one, default=1_000, help="popular by Zipf's law (default 1000)")
    add("--opt-outs", type=share, default=0.02, help="share of visitors (default 0.02)")
    add("--seed", type=int, default=1, help="the same seed sends the same pings (default 1)")
    add("--timeout", type=above_zero, default=20.0, help="seconds for an answer (default 20)")
    add("--processes", type=at_least_one, default=1, help="of the generator (default 1)")
    add("--max-lag", type=not_negative, default=1.0, metavar="MS",
        help="lateness of sending at p99 above which nothing is reported, unless it is below a "
        "tenth of the latency (default 1)")  # fmt: skip
    add("--json", type=Path, metavar="FILE", help="also write a report for programs")
    return parser
