"""The gate: deadlines, bounds, one request at a time, and orderly ends of connections."""

import asyncio
import socket
import struct
from contextlib import AsyncExitStack

import pytest

from ingest.http.gate import Gate
from ingest.outcome import Outcome, Route
from tests.http.harness import Client, Harness, harness, request
from tests.support.wait import until_async

PIXEL = request("GET", "/p.gif?s=example")
PAGE = request("GET", "/opt-out")
IGNORED = request("GET", "/badge/example.svg?ping=0")
EVENT = b'{"s":"example"}'
ORIGIN = "https://news.example"


def _numbered(number: int) -> bytes:
    """Every tenth is rejected, and its answer carries its number."""
    site = "!" if number % 10 == 0 else f"site-{number}"
    body = f'{{"s":"{site}","id":"{_id(number)}"}}'.encode()
    return request("POST", "/e", {}, body)


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


async def _all_closed(server: Harness) -> None:
    await until_async(lambda: not server.shared.connections, what="connections to close")


async def _in_flight(server: Harness, number: int) -> None:
    await until_async(lambda: server.accumulator.events_in_flight == number, what="events")


async def _received(server: Harness, number: int) -> None:
    await until_async(lambda: server.counts.received == number, what=f"{number} requests")


@pytest.fixture
async def server(tmp_path):
    async with harness(tmp_path) as made:
        yield made


# -- deadlines ------------------------------------------------------------------------------------


async def test_a_head_that_trickles_in_is_answered_408(tmp_path):
    async with harness(tmp_path, http={"head_timeout": 0.3}) as server, server.connect() as client:
        answering = asyncio.create_task(client.answer())
        for byte in PIXEL * 100:
            if answering.done():
                break
            client.writer.write(bytes([byte]))
            await asyncio.wait([answering], timeout=0.05)
        answer = await answering
        assert (answer.status, answer.outcome) == (408, "refused")
        assert answer.headers["connection"] == "close"
        assert await client.closed()
    assert server.events == []
    assert server.balanced()


async def test_each_head_on_a_connection_has_a_deadline_of_its_own(tmp_path):
    async with harness(tmp_path, http={"head_timeout": 0.3}) as server, server.connect() as client:
        await client.send(PIXEL)
        assert (await client.answer()).status == 200
        await client.send(PIXEL[:20])
        assert (await client.answer()).status == 408


async def test_a_body_that_does_not_come_is_answered_408_with_cors(tmp_path):
    headers = {"Content-Length": "100", "Origin": ORIGIN}
    async with harness(tmp_path, http={"body_timeout": 0.3}) as server:
        answer = await server.send(request("POST", "/e", headers, EVENT))
        assert (answer.status, answer.outcome) == (408, "refused")
        assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert server.balanced()
    assert server.events == []


async def test_a_chunked_body_that_does_not_come_is_answered_408_with_cors(tmp_path):
    headers = {"Transfer-Encoding": "chunked", "Origin": ORIGIN}
    async with harness(tmp_path, http={"body_timeout": 0.3}) as server:
        answer = await server.send(request("POST", "/e", headers, b'f\r\n{"s":'))
        assert (answer.status, answer.outcome) == (408, "refused")
        assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("before", [b"", PIXEL], ids=["before a request", "after one"])
async def test_an_idle_connection_is_closed_without_an_answer(tmp_path, before):
    async with harness(tmp_path, http={"idle_timeout": 0.3}) as server, server.connect() as client:
        if before:
            await client.send(before)
            await client.answer()
        assert await client.closed()
        await _all_closed(server)
    assert server.counts.aborted == 0


async def test_a_request_being_stored_has_no_deadline(tmp_path):
    limits = {"idle_timeout": 0.1, "head_timeout": 0.1, "body_timeout": 0.1, "write_timeout": 0.1}
    async with harness(tmp_path, http=limits) as server:
        server.sink.open.clear()
        async with server.connect() as first, server.connect() as idle:
            await first.send(PIXEL)
            await _received(server, 1)
            assert await idle.closed()  # so the deadlines have been looked at
            server.sink.open.set()
            assert (await first.answer()).outcome == "stored"


# -- readers that do not read ---------------------------------------------------------------------


_UNREAD = 8_192
"""More than the gate lets wait to be written, and an answer; far less than the loop's usual."""


def _small_socket(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.connect(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


async def _flood(server: Harness, writer: asyncio.StreamWriter) -> Gate:
    """Send requests and read nothing until the server takes no more."""
    await until_async(lambda: server.shared.connections)
    gate = server.gate
    while gate._writable or gate._reading:
        writer.write(IGNORED * 200)
        await asyncio.sleep(0)
        assert server.counts.received < 200_000, "the server never stops taking"
    return gate


async def test_a_client_that_does_not_read_costs_bounded_memory_and_is_cut_off(tmp_path):
    async with harness(tmp_path, http={"write_timeout": 0.5}) as server:
        _reader, writer = await asyncio.open_connection(sock=_small_socket(server.port), limit=1)
        gate = await _flood(server, writer)
        taken = server.counts.received
        writer.write(IGNORED * 5_000)
        assert gate._transport.get_write_buffer_size() < _UNREAD
        assert len(gate._buffer) < 1024 * 1024
        await _all_closed(server)
        assert server.counts.received == taken
        writer.transport.abort()
    assert server.balanced()


async def test_clients_that_do_not_read_leave_little_unwritten(server):
    async with AsyncExitStack() as stack:
        for _ in range(5):
            writer = (await asyncio.open_connection(sock=_small_socket(server.port), limit=1))[1]
            stack.callback(writer.transport.abort)
        await until_async(lambda: len(server.shared.connections) == 5)
        gates = list(server.shared.connections)
        for gate in gates:
            while gate._writable:
                gate.data_received(IGNORED * 200)
                assert server.counts.received < 500_000, "the server never stops taking"
        assert max(gate._transport.get_write_buffer_size() for gate in gates) < _UNREAD


async def test_a_client_that_reads_again_gets_every_answer(tmp_path):
    async with harness(tmp_path) as server:
        reader, writer = await asyncio.open_connection(sock=_small_socket(server.port), limit=1024)
        client = Client(reader, writer)
        gate = await _flood(server, writer)
        # What is left unread in the gate ends somewhere within a request.
        while not gate._writable:
            assert (await client.answer()).outcome == "ignored"
        writer.write(PAGE)
        answer = await client.answer()
        while answer.outcome == "ignored":
            answer = await client.answer()
        assert answer.headers["content-type"].startswith("text/html")
        assert await client.closed()


async def test_reading_goes_on_where_it_stopped_within_a_request(server):
    """The last byte comes only after writing was possible again."""
    for data in (PIXEL, request("POST", "/e", {}, EVENT), PAGE):
        async with server.connect() as client:
            await until_async(lambda: server.shared.connections)
            gate = server.gate
            gate.pause_writing()
            await client.send(data[:-1])
            await until_async(lambda gate=gate: not gate._reading)
            gate.resume_writing()
            await client.send(data[-1:])
            assert (await client.answer()).status in (200, 204)
        await _all_closed(server)


# -- bounds ---------------------------------------------------------------------------------------


async def test_a_head_bomb_is_answered_431_before_it_ends(server):
    answer = await server.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 3_000)
    assert (answer.status, answer.outcome) == (431, "refused")


async def test_one_endless_header_line_is_answered_431(server):
    answer = await server.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 17_000)
    assert answer.status == 431


async def test_a_head_of_16_kib_is_taken_and_one_byte_more_is_not(server):
    room = 16_384 - len(PIXEL) - len("X: \r\n")
    taken, refused = [
        await server.get("/p.gif?s=example", X="y" * length) for length in (room, room + 1)
    ]
    assert (taken.status, refused.status) == (200, 431)


async def test_a_request_line_of_8_kib_is_taken_and_one_byte_more_is_answered_414(server):
    room = 8_192 - len("GET /p.gif?s=example&x= HTTP/1.1")
    taken, refused = [
        await server.get("/p.gif?s=example&x=" + "y" * length) for length in (room, room + 1)
    ]
    assert (taken.status, refused.status) == (200, 414)
    assert refused.headers["content-type"] == "application/problem+json"


async def test_an_endless_request_line_is_answered_414_before_it_ends(server):
    assert (await server.send(b"GET /" + b"y" * 9_000)).status == 414


async def test_100_headers_are_taken_and_101_are_answered_431(server):
    statuses = []
    for number in (99, 100):
        more = b"".join(b"X-%d: y\r\n" % at for at in range(number))
        answer = await server.send(PIXEL.replace(b"\r\n\r\n", b"\r\n" + more + b"\r\n"))
        statuses.append(answer.status)
    assert statuses == [200, 431]


@pytest.mark.parametrize("coding", ["", "chunked"])
async def test_a_body_of_65536_bytes_is_taken_and_one_byte_more_is_answered_413(server, coding):
    statuses = []
    for size in (65_536, 65_537):
        body = EVENT.ljust(size)
        if coding:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)
        headers = {"Origin": ORIGIN} | ({"Transfer-Encoding": coding} if coding else {})
        answer = await server.post(body, **headers)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        statuses.append((answer.status, answer.outcome))
    assert statuses == [(204, "stored"), (413, "refused")]


@pytest.mark.parametrize("coding", ["", "chunked"])
async def test_an_endless_body_is_answered_413_and_cut_off(server, coding):
    headers = {"Transfer-Encoding": coding} if coding else {"Content-Length": "1000000000000"}
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    async with server.connect() as client:
        client.writer.write(request("POST", "/e", headers) + chunk * 2)
        assert (await client.answer()).status == 413
        poured = 0
        try:
            while server.shared.connections:
                client.writer.write(chunk)
                await client.writer.drain()
                poured += len(chunk)
        except ConnectionError:
            pass
        await _all_closed(server)
    assert poured < 32 * 1024 * 1024  # what we took, and what the sockets' buffers held
    assert server.events == []


async def test_a_refused_client_that_goes_on_sending_can_still_read_why(server):
    async with server.connect() as client:
        client.writer.write(b"GET /" + b"y" * 500_000)
        assert (await client.answer()).status == 414


async def test_connections_above_the_limit_are_closed(tmp_path):
    async with harness(tmp_path, http={"max_connections": 2}) as server:
        async with server.connect() as first, server.connect():
            await until_async(lambda: server.counts.connections == 2)
            async with server.connect() as third:
                assert await third.closed()
            assert server.counts.turned_away == 1
            await first.send(PIXEL)
            assert (await first.answer()).status == 200
        await _all_closed(server)
        assert (await server.send(PIXEL)).status == 200


# -- one at a time, in order ----------------------------------------------------------------------


async def test_a_thousand_pipelined_requests_are_answered_in_order(server):
    async with server.connect() as client:
        client.writer.write(b"".join(_numbered(number) for number in range(1_000)))
        for number in range(1_000):
            answer = await client.answer()
            if number % 10 == 0:
                assert (answer.status, answer.json()["id"]) == (400, _id(number))
            else:
                assert (answer.status, answer.outcome) == (204, "stored")
    stored = [event["id"] for event in server.events]
    assert stored == [_id(number) for number in range(1_000) if number % 10]
    assert server.balanced()


@pytest.mark.parametrize("tail", [b"\r\n\r\n", b"x\r\n\r\n", b"GET /\r\n\r\n"])
async def test_an_end_of_a_body_that_looks_like_a_heads_is_none(server, tail):
    """And whoever is in the same batch has an answer, whatever comes behind another's ping."""
    server.sink.open.clear()
    for size in range(1, len(tail)):
        async with server.connect() as client, server.connect() as other:
            client.writer.write(
                request("GET", "/p.gif?s=example", {"Content-Length": str(size)}) + tail
            )
            await _in_flight(server, 1)
            await other.send(PIXEL)
            await _in_flight(server, 2)
            server.sink.open.set()
            assert (await client.answer()).outcome == "stored"
            assert (await other.answer()).outcome == "stored"
            assert not server.accumulator._busy
        await _all_closed(server)
        server.sink.open.clear()
    assert server.balanced()


async def test_while_one_is_stored_the_next_waits_unread(server):
    server.sink.open.clear()
    async with server.connect() as client:
        client.writer.write(PIXEL * 1_000)
        await _received(server, 1)
        await until_async(lambda: not server.gate._reading)
        buffered = len(server.gate._buffer)
        client.writer.write(PIXEL * 10)
        async with server.connect() as other:  # what was sent before this is there by now
            await other.send(request("GET", "/badge/example.svg?ping=0"))
            await other.answer()
        assert server.accumulator.events_in_flight == server.counts.in_flight == 1
        gates = [gate for gate in server.shared.connections if gate.owes]
        assert [len(gate._buffer) for gate in gates] == [buffered]
        server.sink.open.set()
        for _ in range(1_010):
            assert (await client.answer()).outcome == "stored"


async def test_a_page_waits_for_earlier_answers_and_is_the_last(server):
    server.sink.open.clear()
    async with server.connect() as client:
        client.writer.write(PIXEL + PAGE + PIXEL)
        await _received(server, 1)
        assert server.gate.owes
        server.sink.open.set()
        assert (await client.answer()).headers["content-type"] == "image/gif"
        page = await client.answer()
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["connection"] == "close"
        assert await client.closed()
    assert len(server.events) == 1


# -- ends of connections --------------------------------------------------------------------------


def _reset(client: Client) -> None:
    sock = client.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()


@pytest.mark.parametrize(
    "data",
    [
        PIXEL,
        request("POST", "/e", {"Transfer-Encoding": "chunked"}, b"f\r\n%b\r\n0\r\n\r\n" % EVENT),
    ],
    ids=["fast lane", "slow lane"],
)
async def test_a_client_that_leaves_before_its_answer_is_counted_as_aborted(server, data):
    server.sink.open.clear()
    async with server.connect() as client:
        await client.send(data)
        await until_async(lambda: server.accumulator.events_in_flight == 1)
        _reset(client)
        await until_async(lambda: server.counts.aborted == 1)
    server.sink.open.set()
    await until_async(lambda: server.events)
    assert server.counts.in_flight == 0
    assert server.counts.answered.total() == 0
    assert server.balanced()


async def test_a_client_that_leaves_within_its_body_is_counted_as_aborted(server):
    async with server.connect() as client:
        await client.send(request("POST", "/e", {"Content-Length": "100"}, EVENT))
        await _received(server, 1)
    await until_async(lambda: server.counts.aborted == 1)
    assert server.balanced()


async def test_a_client_that_leaves_within_its_head_is_not_counted(server):
    async with server.connect() as client:
        await client.send(PIXEL[:10])
        await until_async(lambda: server.shared.connections)
    await _all_closed(server)
    assert (server.counts.received, server.counts.aborted) == (0, 0)


@pytest.mark.parametrize("data", [PIXEL, PAGE], ids=["fast lane", "slow lane"])
async def test_a_client_that_sends_no_more_gets_its_answer_and_the_connection_ends(server, data):
    async with server.connect() as client:
        client.writer.write(data)
        client.writer.write_eof()
        assert (await client.answer()).status == 200
        assert await client.closed()
        await _all_closed(server)


async def test_a_client_that_sends_no_more_while_its_ping_is_stored_gets_all_answers(server):
    server.sink.open.clear()
    async with server.connect() as client:
        client.writer.write(PIXEL * 3 + PIXEL[:10])
        client.writer.write_eof()
        await _received(server, 1)
        server.sink.open.set()
        for _ in range(3):
            assert (await client.answer()).outcome == "stored"
        assert await client.closed()
        await _all_closed(server)


async def test_a_chunked_body_cut_short_by_the_client_is_counted_as_aborted(server):
    headers = {"Transfer-Encoding": "chunked"}
    async with server.connect() as client:
        client.writer.write(request("POST", "/e", headers, b'f\r\n{"s":'))
        client.writer.write_eof()
        assert await client.closed()
        await _all_closed(server)
    assert server.counts.aborted == 1
    assert server.events == []


# -- HTTP -----------------------------------------------------------------------------------------


async def test_http_1_0_is_kept_alive_only_on_request_and_says_so(server):
    old = b"GET /p.gif?s=example HTTP/1.0\r\n\r\n"
    async with server.connect() as client:
        await client.send(old.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"))
        assert (await client.answer()).headers["connection"] == "keep-alive"
        await client.send(old)
        assert (await client.answer()).headers["connection"] == "close"
        assert await client.closed()


async def test_http_1_1_is_kept_alive_until_it_is_told_to_close(server):
    async with server.connect() as client:
        for _ in range(3):
            await client.send(PIXEL)
            assert "connection" not in (await client.answer()).headers
        await client.send(request("GET", "/p.gif?s=example", {"Connection": "close"}))
        assert (await client.answer()).headers["connection"] == "close"
        assert await client.closed()


async def test_head_is_answered_like_get_without_a_body(server):
    got = await server.get("/p.gif?s=example")
    async with server.connect() as client:
        await client.send(request("HEAD", "/p.gif?s=example") + PIXEL)
        head = await client.answer(b"HEAD")
        assert (head.status, head.body, head.outcome) == (200, b"", "ignored")
        assert head.headers["content-length"] == got.headers["content-length"] == "43"
        assert (await client.answer()).body == got.body


async def test_expect_100_continue_is_met_before_the_body_comes(server):
    headers = {"Expect": "100-continue", "Content-Length": str(len(EVENT))}
    async with server.connect() as client:
        await client.send(request("POST", "/e", headers))
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 Continue")
        await client.send(EVENT)
        assert (await client.answer()).outcome == "stored"


async def test_expect_100_continue_with_too_large_a_body_is_answered_413_at_once(server):
    headers = {"Expect": "100-continue", "Content-Length": "65537"}
    async with server.connect() as client:
        await client.send(request("POST", "/e", headers))
        assert (await client.reader.readline()).startswith(b"HTTP/1.1 413 ")


# -- stopping -------------------------------------------------------------------------------------


async def test_stopping_closes_what_is_idle_and_answers_what_is_owed(server):
    server.sink.open.clear()
    async with server.connect() as owed, server.connect() as idle, server.connect() as begun:
        await owed.send(PIXEL)
        await begun.send(PIXEL[:10])
        await _received(server, 1)
        await until_async(lambda: len(server.shared.connections) == 3)
        server.public.stop_accepting()
        assert await idle.closed()
        assert await begun.closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)
        finishing = asyncio.create_task(server.public.finish(10.0))
        server.sink.open.set()
        answer = await owed.answer()
        assert (answer.outcome, answer.headers["connection"]) == ("stored", "close")
        assert await owed.closed()
        await finishing
    assert server.counts.answered[Route.PIXEL, Outcome.STORED] == 1
    assert server.counts.aborted == 0


async def test_stopping_cuts_off_what_is_still_owed_after_the_grace(server):
    server.sink.open.clear()
    async with server.connect() as client:
        await client.send(PIXEL)
        await _received(server, 1)
        server.public.stop_accepting()
        await server.public.finish(0.1)
        assert await client.closed()
        await _all_closed(server)
    assert server.counts.aborted == 1
    assert server.balanced()
