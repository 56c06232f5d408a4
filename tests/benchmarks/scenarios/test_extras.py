"""Start-up and counting, once each: that they are measured, not how long they take."""

import pytest

from benchmarks.peers.nginx import Nginx
from benchmarks.peers.ours import Ours, OursStore
from benchmarks.scenarios.extras import measured
from tests.support.cores import TWO_CORES


@TWO_CORES
@pytest.mark.kafka
def test_starts_are_timed_to_the_first_answer_and_a_pings_bytes_are_taken(tmp_path):
    extras = measured(tmp_path, rounds=1, events=500)
    assert set(extras.start_up) == {Nginx.name, OursStore.name, Ours.name}
    assert all(len(took) == 1 and took[0] > 0 for took in extras.start_up.values())
    assert len(extras.stats_per_second) == 1
    assert 300 < extras.request_bytes < 2_000
    assert 100 < extras.answer_bytes < 2_000
