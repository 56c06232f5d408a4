"""Bad clients beside good ones: the good are answered, nothing of theirs is lost or made up."""

import asyncio
import contextlib
import gzip
import resource
import socket
import time
from collections.abc import Callable

import pytest

from benchmarks.reconcile import Answers, Pace, send
from tests.faults.rig import FULL, PATIENT, Rig
from tests.support.pings import connections, ping_id, pixel, store_all
from tests.support.raw import Answer, read
from tests.support.wait import until

RATE = 150
"""Good pings a second."""
IGNORED = b"GET /badge/a.svg?ping=0 HTTP/1.1\r\nHost: beacon.test\r\n\r\n"
POST = b"POST /e HTTP/1.1\r\nHost: beacon.test\r\n"
SHORT = ("head_timeout", "body_timeout", "write_timeout")


@pytest.fixture
def rig(tmp_path):
    """A rig without Kafka that waits for nobody longer than half a second."""
    flags = tuple(word for name in SHORT for word in ("--set", f"http.{name}=0.5"))
    made = Rig(tmp_path, options=flags)
    yield made
    made.server.kill()


async def _beside(rig: Rig, bad: Callable[[int], None], seconds: float = 1.5) -> None:
    """Send good pings while bad clients do their worst at the port; then close the books."""
    sending = asyncio.ensure_future(rig.send(RATE, seconds))
    await asyncio.to_thread(bad, rig.server.port)
    await sending
    report = await rig.all_stored()
    assert report.duplicates == 0


def _exchange(port: int, raw: bytes, method: str = "GET") -> Answer:
    """Send bytes on a connection of its own and read one answer."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(raw)
        return read(connection, method)


def _post(body: bytes, more: bytes = b"") -> bytes:
    return POST + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


# -- slow ones ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beginning", "route"),
    [(b"GET /p.gif?s=slow&x=", None), (POST + b"Content-Length: 9000\r\n\r\n", "e")],
    ids=["head", "body"],
)
async def test_heads_and_bodies_that_trickle_are_cut_off_and_keep_nobody_waiting(
    rig, beginning, route
):
    def trickle(port):
        with connections(port, 100) as slow:
            for one in slow:
                one.sendall(beginning)
                one.setblocking(False)  # each is sent a byte a turn, until it is answered
            waiting = list(slow)
            while waiting:
                waiting = [one for one in waiting if not _answered(one)]
                time.sleep(0.02)
            for one in slow:
                one.setblocking(True)
                answer = read(one)
                assert answer.status == 408
                if route:
                    rig.note(route, answer, 0)

    await _beside(rig, trickle)


def _answered(connection):
    """Send one more byte; whether there is an answer."""
    try:
        connection.send(b"x")
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


async def test_readers_that_do_not_read_are_cut_off_and_keep_nobody_waiting(rig):
    def flood(port):
        with connections(port, 5) as greedy:
            _until_cut_off(greedy, IGNORED * 200)

    await _beside(rig, flood)


async def test_readers_that_read_a_byte_now_and_then_are_cut_off_too(rig):
    def sip(port):
        with connections(port, 5) as slow:
            _until_cut_off(slow, IGNORED * 200, sip=True)

    await _beside(rig, sip)


@pytest.fixture
def descriptors():
    """Idle connections that the system allows: both ends' descriptors are limited alike."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 10_000
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - 1_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed + 1_000), hard))
    yield allowed
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_ten_thousand_idle_connections_leave_the_good_alone(descriptors, rig):
    def idle(port):
        with connections(port, descriptors):
            until(
                lambda: rig.metric("beacon_connections_open") >= descriptors,
                what="every connection to be open",
            )

    await _beside(rig, idle, 3)


# -- greedy ones ----------------------------------------------------------------------------------


async def test_header_bombs_are_refused_and_keep_nobody_waiting(rig):
    bombs = (
        (b"GET /p.gif?s=bomb HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100_000, 431),
        (b"GET /p.gif?s=bomb HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 1_000_000, 431),
        (b"GET /p.gif?s=" + b"y" * 1_000_000, 414),
    )

    def bomb(port):
        for raw, status in bombs * 10:
            with socket.create_connection(("127.0.0.1", port), 20) as connection:
                connection.sendall(raw[:100_000])
                assert read(connection).status == status
                with contextlib.suppress(ConnectionError):  # it may be cut off by now
                    connection.sendall(raw[100_000:])

    await _beside(rig, bomb)


@pytest.mark.parametrize(
    "coding", [b"Content-Length: 1000000000000", b"Transfer-Encoding: chunked"]
)
async def test_endless_bodies_are_refused_and_cut_off(rig, coding):
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"

    def pour(port):
        with connections(port, 10) as endless:
            for one in endless:
                one.sendall(POST + coding + b"\r\n\r\n" + piece * 2)
                assert rig.note("e", read(one, "POST"), 0).status == 413
            _until_cut_off(endless, piece)

    await _beside(rig, pour)


def _until_cut_off(clients, data, sip=False):
    """Go on sending on all of them, and read nothing, or one byte a turn."""
    going = set(clients)
    for one in going:
        one.setblocking(False)

    def all_cut_off():
        going.difference_update([one for one in going if _is_cut_off(one, data, sip)])
        return not going

    until(all_cut_off, what="clients to be cut off")


def _is_cut_off(connection, data, sip):
    try:
        if sip:
            with contextlib.suppress(BlockingIOError):
                connection.recv(1)
        connection.send(data)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


async def test_a_thousand_pipelined_requests_do_not_crowd_out_the_good(rig):
    def pipeline(port):
        with connections(port, 5) as hasty:
            for sender, one in enumerate(hasty):
                one.sendall(b"".join(pixel(ping_id(sender, each)) for each in range(1_000)))
            for one in hasty:
                with one.makefile("rb") as answers:
                    for _ in range(1_000):
                        rig.heard.note("p.gif", _outcome(answers))

    await _beside(rig, pipeline)


def _outcome(answers):
    """The outcome of the next answer of a pipeline."""
    head = list(iter(answers.readline, b"\r\n"))
    answers.read(43)
    (line,) = (line for line in head if line.startswith(b"Beacon-Outcome: "))
    return line.split()[1].decode()


async def test_gzip_bombs_are_refused_unopened(rig):
    bomb = gzip.compress(bytes(40 * 1024 * 1024))
    assert len(bomb) < 65_536
    encoded = b"Content-Encoding: gzip\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb)

    def explode(port):
        for raw in (_post(bomb, encoded), POST + encoded + chunked) * 10:
            assert rig.note("e", _exchange(port, raw, "POST"), 0).status == 415

    await _beside(rig, explode)


# -- liars ----------------------------------------------------------------------------------------

STRANGE = (
    b'{"s":"strange","t":"\xff\xfe"}',
    b'{"s":"strange","t":"\\ud800"}',
    b'{"s":"strange","t":"\\udc00\\ud800"}',
    b'{"s":"strange","t":"\xed\xa0\x80"}',
    b'{"s":"strange","t":"a\\u0000b"}',
    b'{"s":"strange\\u0000"}',
    b'{"s":"strange","t":"a\x00b"}',
    b'\x00{"s":"strange"}',
)
STRANGE_QUERIES = (b"t=%FF%FE", b"t=%ED%A0%80", b"t=%00", b"s=%00", b"t=%C0%80", b"t=%", b"u=%FF")


async def test_strange_text_is_cleaned_or_rejected_and_hurts_nobody(rig):
    def babble(port):
        for body in STRANGE * 5:
            answer = _exchange(port, _post(body), "POST")
            rig.note("e", answer)
            assert answer.outcome in ("rejected", "stored")
        for query in STRANGE_QUERIES * 5:
            raw = b"GET /p.gif?s=strange&%b HTTP/1.1\r\nHost: a\r\n\r\n" % query
            answer = rig.note("p.gif", _exchange(port, raw))
            assert answer.outcome in ("rejected", "stored")

    await _beside(rig, babble)


async def test_lengths_that_disagree_smuggle_in_no_ping(rig):
    """The hidden ping would be a phantom: its site is the good ones', its id nobody sent."""
    hidden = b"GET /p.gif?s=faults&id=%b HTTP/1.1\r\nHost: a\r\n\r\n" % ping_id(0xBAD, 1).encode()
    both = (
        b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (len(hidden) + 5),
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(hidden),
        b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    )

    def smuggle(port):
        for lengths in both * 10:
            answer = _exchange(port, POST + lengths + hidden, "POST")
            assert (answer.status, answer.headers["connection"]) == (400, "close")

    await _beside(rig, smuggle)


# -- crowds ---------------------------------------------------------------------------------------


@pytest.mark.kafka
async def test_one_site_with_nine_tenths_of_the_load_crowds_nobody_out(tmp_path, kafka):
    rig = Rig(tmp_path, kafka, PATIENT)
    try:
        crowd = Answers("crowd")
        await asyncio.gather(rig.send(40, 2), send(rig.server.url, Pace(360, 2), crowd))
        rig.others.append(crowd)
        report = await rig.report()
        assert report.outcomes == {"stored": 800}
        assert report.duplicates == 0
    finally:
        rig.server.kill()


INVENTED = 1_000_000 if FULL else 25_000  # more than twice what is remembered
SENDERS = 32


@pytest.mark.timeout(1_200)
async def test_invented_sites_agents_and_addresses_cost_bounded_memory(tmp_path):
    """The rig checks that the collector never had more than 250 MB.

    Sites that are counted take memory by design, up to `sites.max_active`: here fewer than come.
    """
    flags = ("--set", "http.trusted_proxies=127.0.0.0/8", "--set", "sites.max_active=10000")
    rig = Rig(tmp_path, options=flags)
    try:
        sending = asyncio.ensure_future(rig.send(50, 2))
        async with asyncio.TaskGroup() as group:
            for first in range(SENDERS):
                some = map(_invented, range(first, INVENTED, SENDERS))
                group.create_task(store_all(rig.server.port, some))
        for _ in range(INVENTED):
            rig.heard.note("p.gif", "stored")
        await sending
        report = await rig.all_stored()
        assert rig.metric("beacon_events_direct_total") == INVENTED + report.sent
    finally:
        rig.server.kill()


def _invented(number):
    page = f"https%3A%2F%2Fhost-{number}.example%2F{number}"
    network = f"2001:{number >> 16:x}:{number & 0xFFFF:x}::1"
    return (
        f"GET /p.gif?s=site-{number}&u={page}&r={page}&t=Title+{number} HTTP/1.1\r\n"
        f"Host: host-{number}\r\n"
        f"User-Agent: Mozilla/5.0 (X{number}; Linux x86_64) Chrome/{number % 200}.0.{number}.0\r\n"
        f"Accept-Language: en-{number}\r\n"
        f"X-Forwarded-For: {network}\r\n\r\n"
    ).encode()
