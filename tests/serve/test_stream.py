"""The stream of a real server: pings of browsers reach its viewers."""

import signal

from tests.support.metrics import scrape
from tests.support.raw import request
from tests.support.server import Server, start_server
from tests.support.sse import watch
from tests.support.wait import until_async

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"


def ping(server: Server, number: int) -> None:
    headers = {"User-Agent": f"{BROWSER} {number}"}
    assert request(server.url, "/p.gif?s=shop", headers=headers).outcome == "stored"


async def test_every_viewer_sees_visitors_come_and_the_stop_waits_for_none(tmp_path):
    with start_server(tmp_path, "--set", "shutdown.grace=60") as server:
        async with (
            watch(server.port, "shop") as one,
            watch(server.port, "SHOP", "Last-Event-ID: 3") as two,
            watch(server.port, "shop", version="1.0") as three,
        ):
            viewers = (one, two, three)
            for viewer in viewers:
                assert (await viewer.now())["now"] == 0
            for number in range(3):
                ping(server, number)
            for viewer in viewers:
                seen = 0
                while seen < 3:
                    seen = (await viewer.now())["now"]
                assert seen == 3
            metrics = scrape(server.admin_url)
            assert metrics["beacon_streams_open"] == 3
            assert metrics["beacon_requests_in_flight"] == 0
            assert server.terminate(timeout=30) == 0  # well before its grace
            for viewer in viewers:
                assert await viewer.ended()


async def test_viewers_that_left_leave_nothing_behind(tmp_path):
    with start_server(tmp_path, "--set", "stats.max_viewers=5") as server:
        for _ in range(4):
            async with watch(server.port, "shop") as one, watch(server.port, "shop") as two:
                assert [(await viewer.now())["now"] for viewer in (one, two)] == [0, 0]

            def left() -> bool:
                metrics = scrape(server.admin_url)
                return metrics["beacon_streams_open"] == metrics["beacon_connections_open"] == 0

            await until_async(left, what="viewers and their connections to be gone")
        metrics = scrape(server.admin_url)
        assert metrics.labelled("beacon_requests_answered_total", route="page", outcome="page") == 8
        assert metrics["beacon_requests_aborted_total"] == 0


async def test_a_viewer_who_may_not_read_any_more_is_sent_away(tmp_path):
    file = tmp_path / "sites.toml"
    file.write_text("[sites.shop]\npublic = true\n")
    with start_server(tmp_path, "--set", f"sites.file={file}") as server:
        async with watch(server.port, "shop") as viewer:
            await viewer.now()
            file.write_text('[sites.shop]\ntoken = "a-long-random-word"\n')
            server.signal(signal.SIGHUP)
            assert await viewer.ended()
        assert request(server.url, "/api/v1/sites/shop/stream").status == 401
