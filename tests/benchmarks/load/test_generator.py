"""The generator against a tiny server: what it sends, counts, and blames on a stall."""

import asyncio
import errno
import os
import re
import signal
import socket

import pytest

from benchmarks.load.generate import Generator, GeneratorFailed
from benchmarks.load.plan import Kind, Plan, Target, Visits
from benchmarks.load.result import Result
from benchmarks.load.tally import unconnected
from tests.benchmarks.load.tiny import Tiny, serving

FEW = Visits(prepared=400)
STALL = 1.0
SECONDS = 4.0
RATE = 400.0


def _plan(tiny: Tiny, **fields) -> Plan:
    defaults = {"visits": FEW, "seconds": 0.5, "warm_up": 0.0, "connections": 4}
    return Plan(Target.of(tiny.url), **(defaults | fields))


async def _load(tiny: Tiny, **fields) -> Result:
    async with Generator(_plan(tiny, **fields)) as generator:
        await generator.prepare()
        return await generator.run()


async def test_a_rate_by_the_clock_shows_a_stall_at_the_percentiles_it_belongs_to():
    # A quarter of the pings is due while the server stands still, the first of them as long as it
    # does and the last not at all: at percentile 75 + 25 x stands x of the stall.
    half = int(RATE * SECONDS / 2)
    with serving(Tiny(stall_at=half, stall_seconds=STALL)) as tiny:
        result = await _load(tiny, rate=RATE, seconds=SECONDS)
    assert result.good == result.requests == RATE * SECONDS
    for percentile in (80.0, 90.0, 95.0, 99.0):
        due_later = (100 - percentile) / 100 * SECONDS
        # At least: what else delays an answer can only add to it. (0.1 %: the histogram's digits.)
        assert result.latencies.at(percentile) > (tiny.stalled - due_later - 2 / RATE) * 0.998
    assert result.latencies.at(50) < tiny.stalled / 2


async def test_a_loop_that_waits_for_answers_hides_the_same_stall():
    with serving(Tiny(stall_at=500, stall_seconds=STALL)) as tiny:
        result = await _load(tiny, rate=None, seconds=SECONDS)
    assert result.good == result.requests > 500
    assert result.latencies.most > tiny.stalled * 0.998
    assert result.latencies.at(99) < tiny.stalled / 2


async def test_a_generator_that_was_stopped_itself_does_not_report():
    with serving(Tiny()) as tiny:
        async with Generator(_plan(tiny, rate=200, seconds=3)) as generator:
            await generator.prepare()
            stopped = asyncio.Event()

            def stop(_done: int) -> None:
                if not stopped.is_set():
                    stopped.set()
                    os.kill(generator.pids[0], signal.SIGSTOP)

            running = asyncio.create_task(generator.run(stop))
            await stopped.wait()
            await asyncio.sleep(0.5)  # the fault itself
            os.kill(generator.pids[0], signal.SIGCONT)
            result = await running
    # 100 of 600 pings were due meanwhile.
    assert result.lags.at(99) > 0.4
    (late,) = (doubt for doubt in result.doubts(0.001) if "late" in doubt)
    assert "--rate" in late


async def test_all_processes_together_send_the_rate():
    with serving(Tiny()) as tiny:
        result = await _load(tiny, rate=300, seconds=1, processes=3, connections=7)
    assert result.good == tiny.requests == 300
    assert len(tiny.connections) == 7
    assert len({request for seen in tiny.connections for request in seen}) == 300


async def test_the_same_seed_sends_the_same_pings():
    sent = []
    for seed in (1, 1, 2):
        with serving(Tiny()) as tiny:
            await _load(tiny, rate=200, visits=Visits(seed=seed, prepared=200))
            port = str(tiny.port).encode()
            sent.append({r.replace(port, b"") for seen in tiny.connections for r in seen})
    assert len(sent[0]) == 100
    assert sent[0] == sent[1]
    assert not sent[0] & sent[2]


@pytest.mark.parametrize("sticky", [True, False])
async def test_a_connection_is_many_visitors_unless_it_is_a_browsers_own(sticky):
    with serving(Tiny()) as tiny:
        await _load(tiny, rate=200, visits=Visits(prepared=400, sticky=sticky))
    for seen in tiny.connections:
        addresses = {re.search(rb"X-Forwarded-For: (\S+)", request)[1] for request in seen}
        assert len(seen) > 1
        assert len(addresses) == (1 if sticky else len(seen))


@pytest.mark.parametrize("rate", [200, None])
async def test_a_connection_lives_as_long_as_it_is_told_to(rate):
    with serving(Tiny()) as tiny:
        result = await _load(tiny, rate=rate, pings_per_connection=3)
    assert result.good == result.requests == tiny.requests
    lives = sorted(len(seen) for seen in tiny.connections)
    assert lives[-1] == 3
    assert sum(life < 3 for life in lives) <= 4  # those at the end
    assert all(b"Connection: close" in seen[2] for seen in tiny.connections if len(seen) == 3)


async def test_connections_are_renewed_at_a_rate_of_their_own():
    with serving(Tiny()) as tiny:
        result = await _load(tiny, rate=400, seconds=1, new_connections_rate=20)
    assert result.good == result.requests == 400
    assert 4 + 10 < len(tiny.connections) <= 4 + 20


async def test_a_mixture_has_three_pixels_to_each_json():
    with serving(Tiny()) as tiny:
        await _load(tiny, rate=800, visits=Visits(Kind.MIXED, prepared=400))
    methods = [request[:5] for seen in tiny.connections for request in seen]
    assert set(methods) == {b"GET /", b"POST "}
    assert 0.15 < methods.count(b"POST ") / len(methods) < 0.35


@pytest.mark.parametrize("rate", [100, None])
async def test_requests_without_an_answer_are_counted_and_not_left_out_of_the_latencies(rate):
    with serving(Tiny(answer=b"")) as tiny:
        result = await _load(tiny, rate=rate)
    assert result.answers == {"closed without an answer": tiny.requests}
    assert (result.good, result.latencies.count) == (0, tiny.requests)


async def test_answers_that_never_come_are_waited_for_until_the_timeout():
    with serving(Tiny(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n...")) as tiny:
        result = await _load(tiny, rate=100, timeout=0.5)
    assert result.requests == 50
    assert set(result.answers) <= {"no answer in time", "not sent: no connection was free"}
    assert result.answers["no answer in time"] >= 4
    assert result.latencies.count == 50
    assert result.latencies.most >= 0.499


async def test_without_a_server_connections_are_refused():
    with serving(Tiny()) as tiny:
        pass
    result = await _load(tiny, rate=100)
    assert result.answers == {"connection refused": 50}


@pytest.mark.parametrize(
    ("does", "name"),
    [
        ({"answer": b""}, "closed without an answer"),
        ({"answer": b"HTTP/1.1 200 OK\r\n", "ends": True}, "closed within an answer"),
        ({"resets": True}, "connection reset"),
    ],
)
async def test_how_a_connection_ended_is_told_apart(does, name):
    with serving(Tiny(**does)) as tiny:
        result = await _load(tiny, rate=100)
    assert result.answers == {name: 50}


async def test_a_connection_that_is_not_taken_in_time_is_told_apart_from_a_late_answer():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        tiny = Tiny(port=port)
        with socket.create_connection(("127.0.0.1", port)):  # the queue is full: none comes in
            result = await _load(tiny, rate=100, timeout=0.5, connections=2)
    assert set(result.answers) <= {"not connected in time", "not sent: no connection was free"}
    assert result.answers["not connected in time"] >= 2


def test_why_else_there_is_no_connection_is_said_in_the_systems_words():
    unreachable = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
    assert unconnected(unreachable) == "not connected: Network is unreachable"
    assert unconnected(OSError("several")) == "not connected: several"


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", "204"),
        (b"HTTP/1.1 503 No\r\nBeacon-Outcome: shed\r\nContent-Length: 0\r\n\r\n", "503 shed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "200"),
    ],
)
async def test_answers_of_every_form_are_read(answer, name):
    with serving(Tiny(answer=answer)) as tiny:
        result = await _load(tiny, rate=100)
    assert result.answers == {name: 50}
    assert result.good == (0 if name.startswith("5") else 50)


async def test_the_warm_up_is_no_part_of_the_figures():
    with serving(Tiny()) as tiny:
        async with Generator(_plan(tiny, rate=100, warm_up=0.5)) as generator:
            assert await generator.prepare() == {"200 stored": 50}
            result = await generator.run()
    assert (result.requests, tiny.requests) == (50, 100)


async def test_a_process_that_dies_is_named_and_nothing_is_reported():
    with serving(Tiny()) as tiny:
        async with Generator(_plan(tiny, rate=100, seconds=30)) as generator:
            await generator.prepare()
            with pytest.raises(GeneratorFailed):
                await generator.run(lambda _done: os.kill(generator.pids[0], signal.SIGKILL))
