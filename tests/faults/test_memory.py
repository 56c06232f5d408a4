"""The queues are full to their bounds, and the collector has no more memory than it may have.

How much that is the rig asserts of each fault.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ingest.config import Delivery, Http
from tests.faults.rig import Rig
from tests.support.hanging_disk import hanging_disk, well_again
from tests.support.raw import Answer, request
from tests.support.wait import until_async

LONG = 12_000
"""Bytes of a head that nobody needs."""
KEPT = ("accept-language", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform")
HEADER = 512
"""Characters of each, of two bytes in the event."""
ARRAY = 100
"""Events of an array."""
GOOD = 40
"""Syncs before the disk hangs: for the start, and the first answers."""


@dataclass(frozen=True, slots=True)
class Flood:
    """Many clients that each send, wait for the answer, and send again."""

    clients: int
    request: Callable[[Rig], tuple[bytes, Callable[[Answer], None]]]
    """Makes one, with whom to give its answer."""
    waiting: str
    """The metric that says how many wait."""
    size: int
    """Bytes that each of them takes up at the least, as the collector reckons."""
    bound: int
    """Of them at most: the default of an option."""


def _long_ping(rig):
    """An event that takes up much until it is answered, and little once it is stored."""
    return _events(rig, 1, f"X-Filler: {'x' * LONG}\r\n")


def _array(rig):
    """Events that take up far more than their request: each has the long headers."""
    return _events(rig, ARRAY, "".join(f"{name}: {'é' * HEADER}\r\n" for name in KEPT))


def _events(rig, count, headers):
    ids = [str(uuid.uuid4()) for _ in range(count)]
    rig.arrays.sent.extend(ids)
    body = json.dumps([{"s": rig.arrays.site, "id": each} for each in ids]).encode()
    head = f"POST /e HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body, lambda answer: rig.note_array(ids, answer)


FLOODS = pytest.mark.parametrize(
    "flood",
    [
        Flood(1_500, _long_ping, "beacon_requests_in_flight", 4 * LONG, Http().max_in_flight),
        Flood(400, _array, "beacon_events_in_flight", 8 * HEADER, Delivery().max_waiting),
    ],
    ids=["http.max_in_flight", "delivery.max_waiting"],
)


@FLOODS
async def test_a_disk_that_hangs_under_a_flood_sheds_within_the_bound_on_memory(tmp_path, flood):
    rig = Rig(tmp_path, wrapper=hanging_disk(GOOD))
    try:
        await _flooded(rig, flood, lambda: well_again(rig.server.pid))
        await rig.report()
    finally:
        rig.server.kill()


@pytest.mark.kafka
@FLOODS
async def test_a_spool_that_hangs_while_kafka_stalls_sheds_within_the_bound_on_memory(
    tmp_path, own_broker, flood
):
    rig = Rig(tmp_path, own_broker, wrapper=hanging_disk(GOOD))
    try:
        await until_async(lambda: rig.server.logged("kafka connected"), what="Kafka to be there")
        own_broker.pause()

        def well() -> None:
            well_again(rig.server.pid)
            own_broker.resume()

        await _flooded(rig, flood, well)
        await rig.drained()
        await rig.report()
    finally:
        rig.server.kill()


async def _flooded(rig, flood, well):
    enough = asyncio.Event()
    clients = [asyncio.ensure_future(_client(rig, flood, enough)) for _ in range(flood.clients)]
    await rig.watching(_full(rig, flood))
    well()
    enough.set()
    await asyncio.gather(*clients)


async def _full(rig, flood):
    """Until the disk hangs, as much waits as may, and what comes beyond is shed."""
    await until_async(lambda: _hangs(rig), 60, "the disk to hang")
    shed = rig.metric("beacon_events_shed_total")
    more = 1_000
    await until_async(lambda: rig.metric("beacon_events_shed_total") > shed + more, 60, "sheds")
    assert rig.metric(flood.waiting) * flood.size > 0.85 * flood.bound


def _hangs(rig):
    answer = request(rig.server.admin_url, "/readyz")
    return answer.status == 503 and b"has not answered" in answer.body


async def _client(rig, flood, enough):
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.server.port)
    clock = asyncio.get_running_loop().time
    while not enough.is_set():
        raw, note = flood.request(rig)
        began = clock()
        writer.write(raw)
        answer = await _read(reader)
        note(answer)
        rig.answers.slowest.append(clock() - began)
        if answer.status == 503:
            assert int(answer.headers["retry-after"]) > 0
            await asyncio.sleep(0.5)  # sooner than it asks for
    writer.close()


async def _read(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    pairs = (line.partition(": ") for line in head[1:] if line)
    headers = {name.lower(): value for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(int(head[0].split()[1]), headers, body)
