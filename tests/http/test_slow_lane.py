"""aiohttp's lane says no more than ours, and never shows whom it spoke to."""

import io
import logging
from contextlib import redirect_stderr

import pytest

from ingest.http.opt_out import OptOut
from ingest.outcome import Outcome, Route
from tests.http.harness import harness, request

ORIGIN = "https://news.example"
CHUNKED = {"Transfer-Encoding": "chunked", "Origin": ORIGIN}
SECRET = "s3cr3t-203.0.113.77"
HEADERS = {"Cookie": f"session={SECRET}", "X-Forwarded-For": SECRET, "Referer": f"http://{SECRET}"}


@pytest.fixture
async def server(tmp_path):
    async with harness(tmp_path) as made:
        yield made


def _chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


@pytest.mark.parametrize(
    "body",
    [
        b"ZZ\r\n", b"-1\r\n", b"5\r\nabcdefg\r\n0\r\n\r\n", b"5 5\r\n", b"\r\n\r\n", b"0x5\r\n",
        b"5\r\n{\"s\":\r\nG\r\n", b"fffffffffffffffffff\r\n", b"5;\x00\r\n",
    ],
    ids=range(9),
)  # fmt: skip
@pytest.mark.parametrize("apart", [False, True], ids=["at once", "after the head"])
async def test_a_malformed_chunked_body_is_answered_400_at_once(server, body, apart):
    head = request("POST", "/e", CHUNKED)
    async with server.connect() as client:
        for piece in (head, body) if apart else (head + body,):
            await client.send(piece)
        answer = await client.answer()
        assert (answer.status, answer.outcome) == (400, "refused")
        assert answer.json()["detail"] == "the body is malformed"
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["connection"] == "close"
        assert await client.closed()
    assert server.events == []
    assert server.balanced()


async def test_a_chunked_body_counts_like_any_other(server):
    answer = await server.send(request("POST", "/e", CHUNKED, _chunked(b'{"s":', b'"example"}')))
    assert (answer.status, answer.outcome) == (204, "stored")
    assert server.counts.answered[Route.EVENTS, Outcome.STORED] == 1


async def test_trailers_are_passed_over(server):
    body = b'f\r\n{"s":"example"}\r\n0\r\nCookie: optout=1\r\nHost: evil\r\n\r\n'
    answer = await server.send(request("POST", "/e", CHUNKED, body))
    assert answer.status in (204, 400)
    assert answer.outcome != "opted-out"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "identity", "x"])
async def test_a_compressed_body_is_answered_415_and_not_unpacked(server, coding):
    headers = {**CHUNKED, "Content-Encoding": coding}
    answer = await server.send(request("POST", "/e", headers, _chunked(b"\x1f\x8b\x08 no gzip")))
    assert (answer.status, answer.outcome) == (415, "refused")
    assert "Content-Encoding" in answer.json()["detail"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_a_chunked_body_too_large_is_answered_413(server):
    answer = await server.send(request("POST", "/e", CHUNKED, _chunked(*[b" " * 8_192] * 9)))
    assert (answer.status, answer.outcome) == (413, "refused")
    assert "65536" in answer.json()["detail"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_a_body_too_large_for_a_page_is_answered_413(server):
    answer = await server.send(request("POST", "/opt-out", CHUNKED, _chunked(*[b" " * 8_192] * 9)))
    assert answer.status == 413


async def test_what_follows_on_the_connection_is_not_read(server):
    async with server.connect() as client:
        await client.send(request("GET", "/") + request("GET", "/p.gif?s=example"))
        assert (await client.answer()).headers["connection"] == "close"
        assert await client.closed()
    assert server.events == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_upgrade_is_not_followed(server, method):
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    answer = await server.send(request(method, "/opt-out", headers), method=method.encode())
    assert (answer.status, answer.headers["connection"]) == (200, "close")


async def test_a_failing_page_is_answered_500_without_a_word_of_why(tmp_path, monkeypatch, caplog):
    async def fail(_self: OptOut, _hit: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(OptOut, "show", fail)
    async with harness(tmp_path) as server:
        for more in ({}, {"Accept": "text/html"}):
            data = request("GET", f"/opt-out?q={SECRET}", {**HEADERS, **more})
            answer = await server.send(data)
            assert answer.status == 500
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["connection"] == "close"
            assert answer.json()["detail"] == "an error of ours; it was logged"
            for word in (b"ValueError", b"defect", b"Traceback", SECRET.encode()):
                assert word not in answer.body
        assert server.balanced()
        assert server.counts.in_flight == 0
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["a page failed"] * 2
    assert all("ValueError" in text for text in caplog.text.split("a page failed")[1:])
    assert SECRET not in caplog.text
    assert "127.0.0.1" not in caplog.text


async def test_a_page_that_runs_out_of_time_by_itself_is_our_error(tmp_path, monkeypatch):
    async def fail(_self: OptOut, _hit: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(OptOut, "show", fail)
    async with harness(tmp_path) as server:
        assert (await server.get("/opt-out")).status == 500


async def test_nothing_is_logged_of_clients_and_their_bytes(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    written = io.StringIO()
    with redirect_stderr(written):
        async with harness(tmp_path, http={"body_timeout": 0.2}) as server:
            for data in _troubles():
                await server.send(data)
            for data in _troubles():
                async with server.connect() as client:
                    client.writer.write(data[: len(data) // 2])
                    client.writer.transport.abort()
                async with server.connect() as client:
                    await client.send(data)
                    client.writer.transport.abort()
    logged = caplog.text + written.getvalue()
    assert SECRET not in logged
    assert "127.0.0.1" not in logged
    assert [record.name for record in caplog.records if "aiohttp" in record.name] == []


def _troubles() -> list[bytes]:
    chunked = {**CHUNKED, **HEADERS}
    return [
        request("GET", f"/nowhere/{SECRET}", HEADERS),
        request("GET", f"/opt-out?{SECRET}", HEADERS),
        request("DELETE", f"/opt-out?{SECRET}", HEADERS),
        request("POST", "/e", chunked, f"{SECRET}\r\n".encode()),
        request("POST", "/e", chunked, b"5\r\n%b\r\n" % SECRET.encode()),
        request("POST", "/e", chunked, b"f\r\n"),
        request("POST", "/e", chunked, _chunked(SECRET.encode())),
        request("POST", "/e", {**HEADERS, "Expect": "100-continue"}, SECRET.encode()),
        request("GET", "/opt-out", {**HEADERS, "Upgrade": "h2c", "Connection": "Upgrade"}),
        request("GET", "/p.gif?s=é", HEADERS),
        b"GET /p.gif HTTP/1.1\r\nHost: %b\r\nHost: x\r\n\r\n" % SECRET.encode(),
    ]
