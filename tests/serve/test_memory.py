"""Memory under visitors, pages and sites that never come twice."""

import asyncio
import re
from pathlib import Path

from tests.support.pings import store_all
from tests.support.server import Server, start_server

WARM_UP = 15_000
MORE = 30_000
CONNECTIONS = 64
BOUND = 4 * 1024 * 1024
"""Bytes of growth allowed for `MORE` pings: 140 a ping, less than a table keeps of one name."""


def _resident(server: Server) -> int:
    text = Path(f"/proc/{server.pid}/status").read_text()
    match = re.search(r"^VmRSS:\s+(\d+) kB$", text, re.M)
    assert match
    return int(match[1]) * 1024


def _ping(number: int) -> bytes:
    """A ping of which every part is new: site, page, referrer, network, agent and language."""
    agent = (
        f"Mozilla/5.0 (X{number}; Linux x86_64) AppleWebKit/537.{number} (KHTML, like Gecko) "
        f"Chrome/{100 + number % 50}.0.{number}.0 Safari/537.{number} {'filler ' * 20}"
    )
    network = f"2001:{number >> 16:x}:{number & 0xFFFF:x}::1"
    page = f"https%3A%2F%2Fhost-{number}.example%2F{'path' * 20}%2F{number}"
    head = (
        f"GET /p.gif?s=site-{number}&u={page}&r={page}&t=Title+{number} HTTP/1.1",
        f"Host: host-{number}",
        f"User-Agent: {agent}",
        f"Accept-Language: en-{number}",
        f"X-Forwarded-For: 192.0.2.1, {network}",
        f"Origin: https://host-{number}.example",
    )
    return ("\r\n".join(head) + "\r\n\r\n").encode()


async def _send_all(port: int, begin: int, end: int) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(CONNECTIONS):
            some = map(_ping, range(begin + number, end, CONNECTIONS))
            group.create_task(store_all(port, some))


async def test_memory_does_not_grow_with_what_never_comes_twice(tmp_path):
    # Sites are counted up to a bound, which the warm-up has to reach.
    sets = ("http.trusted_proxies=127.0.0.0/8", "store.min_free=0", "sites.max_active=1000")
    flags = [word for each in sets for word in ("--set", each)]
    with start_server(tmp_path, *flags) as server:
        await _send_all(server.port, 0, WARM_UP)
        warm = _resident(server)
        await _send_all(server.port, WARM_UP, WARM_UP + MORE)
        grown = _resident(server) - warm
        assert grown < BOUND, f"{grown >> 10} KiB more than {warm >> 10}"
