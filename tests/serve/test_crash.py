"""kill -9 under load: what was confirmed is there afterwards, whatever the moment."""

from tests.support.pings import Senders, Sent
from tests.support.server import Server, start_server
from tests.support.tail import tail_events
from tests.support.wait import until

ROUNDS = 5
SMALL_SEGMENTS = ("--set", "store.segment_bytes=16384")
"""So that some kills hit the change from one segment to the next."""


def _stored(server: Server) -> list[str]:
    return [event["id"] for event in tail_events(server.data_dir)]


def test_after_each_kill_9_all_that_was_confirmed_is_stored_and_nothing_else(tmp_path):
    sent = Sent()
    senders = Senders(sent)
    for turn in range(ROUNDS):
        with start_server(tmp_path, *SMALL_SEGMENTS) as server:
            sent.check(_stored(server))
            enough = len(sent.confirmed) + 100 + 37 * turn
            with senders.pinging(server.port):
                until(lambda enough=enough: len(sent.confirmed) >= enough, what="pings stored")
                server.kill()
    with start_server(tmp_path, *SMALL_SEGMENTS) as server:
        sent.check(_stored(server))
    assert not sent.refused
