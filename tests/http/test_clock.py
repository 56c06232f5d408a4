"""The clock that pings are dated by is the machine's, compiled or not."""

import time

import pytest

from ingest.http import clock
from tests.support.interpreted import interpreted


@pytest.mark.parametrize(
    "module", [clock, interpreted("ingest.http.clock")], ids=["compiled", "interpreted"]
)
def test_tells_the_machines_time_in_milliseconds(module):
    before = time.time_ns() // 1_000_000
    told = module.now()
    assert before <= told <= time.time_ns() // 1_000_000
    assert type(told) is int
