"""The ledger's equations hold at every scrape, under load and after it."""

import random
import socket
import threading

from tests.support.metrics import scrape
from tests.support.raw import read, request
from tests.support.server import start_server
from tests.support.tail import tail_events
from tests.support.wait import until

REQUESTS = (
    b"GET /p.gif?s=example HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /p.gif?s=a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /p.gif?s=example HTTP/1.1\r\nHost: a\r\nCookie: optout=1\r\n\r\n",
    b"GET /p.gif?s=example HTTP/1.1\r\nHost: a\r\nPurpose: prefetch\r\n\r\n",
    b"GET /opt-out HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /p.gif?s=example HTTP/3.0\r\nHost: a\r\n\r\n",
    b'POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 22\r\n\r\n[{"s":"a"},{"s":"b c"}]'[:22],
    b'POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n{"s": "abc"',
    b'POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"s":"a"}',
)
LEAVERS = 3
BODY_TO_COME = b"POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"


def _leave_before_the_body(port: int) -> None:
    """The only way to leave that no answer can be quicker than."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(BODY_TO_COME)


def test_the_ledger_holds_at_every_scrape_under_a_mixed_load(tmp_path):
    with start_server(tmp_path) as server:
        stop = threading.Event()

        def load(seed: int) -> None:
            chance = random.Random(seed)
            while not stop.is_set():
                try:
                    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
                        connection.sendall(chance.choice(REQUESTS))
                        if chance.random() < 0.8:  # the others leave before their answer
                            read(connection)
                except OSError:
                    continue

        threads = [threading.Thread(target=load, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(50):
                scrape(server.admin_url).check_ledger()
            for _ in range(LEAVERS):
                _leave_before_the_body(server.port)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        request(server.url, "/p.gif?s=last")
        until(lambda: scrape(server.admin_url)["beacon_requests_in_flight"] == 0)
        metrics = scrape(server.admin_url)
        metrics.check_ledger()
        assert metrics["beacon_requests_aborted_total"] >= LEAVERS
        for outcome in ("stored", "rejected", "opted-out", "ignored", "refused", "page"):
            assert metrics.labelled("beacon_requests_answered_total", outcome=outcome) > 0, outcome
        stored = len(tail_events(server.data_dir))
        assert metrics["beacon_events_direct_total"] == stored


def test_a_fresh_server_has_all_the_metrics_of_the_ledger_at_zero(tmp_path):
    with start_server(tmp_path) as server:
        metrics = scrape(server.admin_url)
        metrics.check_ledger()
        assert metrics["beacon_requests_received_total"] == 0
        assert metrics["beacon_events_parsed_total"] == 0
