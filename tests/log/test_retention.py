from hypothesis import given
from hypothesis import strategies as st

from ingest.log.files import OsFiles
from ingest.log.recovery import Segment
from ingest.log.retention import expired, next_expiry, sweep
from ingest.log.segment import DAY_MS, SegmentName, day_of
from tests.support.stored import NOON, Clock, batches, segments, stored


def segment(newest: int) -> Segment:
    return Segment(SegmentName(newest, day_of(newest)), 100, 1, newest)


def test_a_segment_goes_once_its_newest_receipt_is_a_day_short_of_the_retention() -> None:
    one = segment(NOON)
    assert expired([one], NOON + 19 * DAY_MS - 1, 20) == []
    assert expired([one], NOON + 19 * DAY_MS, 20) == [one]


@given(st.integers(0, 2 * DAY_MS), st.integers(2, 20))
def test_nothing_is_ever_older_than_the_retention(oldest: int, days: int) -> None:
    last_of_day = (day_of(oldest) + 1) * DAY_MS - 1
    assert expired([segment(last_of_day)], oldest + days * DAY_MS, days)


def test_the_next_to_go_is_known() -> None:
    assert next_expiry([], 20) is None
    assert next_expiry([segment(NOON + 5), segment(NOON)], 3) == NOON + 2 * DAY_MS


def test_a_directory_nobody_writes_to_is_swept_of_what_is_too_old(tmp_path):
    clock, files = Clock(), OsFiles()
    log = segments(tmp_path, clock, files)
    log.append(batches([1]))
    log.close()
    clock.advance(5 * DAY_MS)
    log.append(batches([2]))
    log.close()
    sweep(tmp_path, NOON + 12 * DAY_MS)
    assert stored(tmp_path)[0] == [1, 2]
    sweep(tmp_path, NOON + 20 * DAY_MS)
    assert stored(tmp_path)[0] == [2]
    sweep(tmp_path / "none", NOON)


def test_what_was_set_aside_is_swept_and_nothing_beside_it(tmp_path):
    name = SegmentName(NOON, day_of(NOON)).file
    aside = [tmp_path / f"{name}.aside", tmp_path / f"{name}.40-84.aside"]
    others = [tmp_path / name, tmp_path / "notes.aside"]
    for path in (*aside, *others):
        path.touch()
    sweep(tmp_path, NOON + DAY_MS, ".aside", 3)
    assert all(path.exists() for path in aside)
    sweep(tmp_path, NOON + 3 * DAY_MS, ".aside", 3)
    assert sorted(tmp_path.iterdir()) == sorted(others)
