"""Counting is compiled: the numbers are those of its source, run by the interpreter."""

import json
import subprocess
import sys
from array import array

from hypothesis import given
from hypothesis import strategies as st

from ingest.stats import duplicates, sorted_array, times
from tests.stats import counts
from tests.support.interpreted import ROOT, interpreted

PLAIN = {
    module.__name__: interpreted(module.__name__) for module in (duplicates, sorted_array, times)
}
NEAR_TIMES = st.text("0123456789-T:.Z +_", min_size=22, max_size=25)
TIMES = st.datetimes().map(lambda time: f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z")
UUIDS = st.uuids().map(str) | st.uuids().map(lambda found: str(found).upper())
NEAR_UUIDS = st.text("0123456789abcdefgF-é", min_size=35, max_size=37)


def outcome(call, *values):
    try:
        return call(*values)
    except ValueError as error:
        return str(error)


@given(TIMES | NEAR_TIMES)
def test_times(text):
    plain = PLAIN["ingest.stats.times"].Clock()
    assert outcome(times.Clock().milliseconds, text) == outcome(plain.milliseconds, text)


@given(st.text(max_size=20), UUIDS | NEAR_UUIDS)
def test_fingerprints(site, event_id):
    plain = PLAIN["ingest.stats.duplicates"].fingerprint
    assert outcome(duplicates.fingerprint, site, event_id) == outcome(plain, site, event_id)


@given(st.sets(st.integers(0, 40)), st.integers(0, 40), st.sampled_from("IQ"))
def test_places_in_sorted_arrays(numbers, number, width):
    members = array(width, sorted(numbers))
    name = "vacancy" if width == "I" else "wide_vacancy"
    place = getattr(sorted_array, name)(members, number)
    assert place == getattr(PLAIN["ingest.stats.sorted_array"], name)(members, number)
    assert (place < 0) is (number in numbers)
    if place >= 0:
        members.insert(place, number)
        assert list(members) == sorted({*numbers, number})


def test_some_hours_of_events():
    done = subprocess.run(
        [sys.executable, "-m", "tests.stats.counts", "3"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    ours = json.loads(json.dumps(counts.numbers(3)))
    assert len(ours) > 100
    assert ours == json.loads(done.stdout)
