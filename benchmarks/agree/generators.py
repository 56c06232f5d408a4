"""Load generators: ours, wrk (closed loop) and vegeta (open loop), asked for the same."""

import asyncio
import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.generate import Generator
from benchmarks.load.plan import Plan
from benchmarks.load.result import Result
from benchmarks.load.visitors import requests
from benchmarks.peers.build import VEGETA
from benchmarks.peers.peer import which

PERCENTILES = (50, 90, 99)
_PREPARED = 5_000
_WRK = """
local requests = {{
{requests}
}}
local at = 0
request = function()
  at = at % #requests + 1
  return requests[at]
end
done = function(summary, latency, _)
  io.stderr:write(string.format('{{"count": %d, "us": %d, "p50": %d, "p90": %d, "p99": %d}}\\n',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(90), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What a generator says of a server."""

    rate: float
    """Answers a second."""
    latency_ms: dict[int, float]
    """By percentile."""
    doubts: tuple[str, ...] = ()


def ours(plan: Plan) -> Found:
    """Ours; in a closed loop with the correction that wrk makes to what it measures."""
    result = asyncio.run(_ours(plan))
    measured = result.latencies
    if plan.rate is None:
        measured = measured.corrected(plan.connections / result.rate)
    latencies = {each: measured.at(each) * 1e3 for each in PERCENTILES}
    return Found(result.rate, latencies, tuple(result.doubts(0.001)))


async def _ours(plan: Plan) -> Result:
    async with Generator(plan) as generator:
        await generator.prepare()
        return await generator.run()


def wrk(plan: Plan, directory: Path) -> Found:
    """wrk, with the bytes that ours sends, given to it by a script."""
    script = directory / "requests.lua"
    made = (request.decode() for request in requests(plan.target, plan.visits)[:_PREPARED])
    script.write_text(_WRK.format(requests=",\n".join(json.dumps(request) for request in made)))
    words = ["-t1", f"-c{plan.connections}", f"-d{plan.seconds:.0f}s", "-s", str(script)]
    done = subprocess.run(
        [which("wrk") or "wrk", *words, _url(plan)], capture_output=True, text=True, check=True
    )
    said = json.loads(done.stderr.strip().splitlines()[-1])
    return Found(
        said["count"] / said["us"] * 1e6, {each: said[f"p{each}"] / 1e3 for each in PERCENTILES}
    )


def vegeta(plan: Plan, directory: Path) -> Found:
    """vegeta, with the same requests, at the same rate, over as many connections."""
    targets, results = directory / "targets.json", directory / "results.bin"
    made = requests(plan.target, plan.visits)[:_PREPARED]
    targets.write_text("\n".join(_target(plan, request) for request in made))
    attack = [
        str(VEGETA), "attack", "-format=json", f"-targets={targets}", f"-output={results}",
        f"-rate={plan.rate:.0f}", f"-duration={plan.seconds}s", f"-workers={plan.connections}",
        f"-max-workers={plan.connections}", f"-connections={plan.connections}",
    ]  # fmt: skip
    subprocess.run(attack, check=True)
    report = subprocess.run(
        [str(VEGETA), "report", "-type=json", str(results)], capture_output=True, check=True
    )
    said = json.loads(report.stdout)
    names = {50: "50th", 90: "90th", 99: "99th"}
    return Found(
        said["throughput"], {each: said["latencies"][names[each]] / 1e6 for each in PERCENTILES}
    )


def _url(plan: Plan) -> str:
    return f"{plan.target.scheme}://{plan.target.authority}{plan.target.path}"


def _target(plan: Plan, request: bytes) -> str:
    head, _, body = request.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    url = f"{plan.target.scheme}://{plan.target.authority}{path}"
    said = {
        "method": method,
        "url": url,
        "header": {name: [value] for name, value in headers.items() if name != "Host"},
        "body": base64.b64encode(body.encode()).decode(),
    }
    return json.dumps(said)
