import errno
import logging
from pathlib import Path
from random import Random

import pytest

from ingest.log.position import Position
from ingest.log.room import Limits
from ingest.log.segment import FILE_HEAD_BYTES, HEAD_BYTES, SegmentName
from ingest.log.segments import Segments
from ingest.log.sink import RecordRefused, SinkError, SinkFull, SinkUnavailable
from tests.support.forgetful_files import ForgetfulFiles
from tests.support.stored import (
    HOUR,
    NOON,
    Clock,
    batch,
    batches,
    segments,
    stored,
)

HERE = Path("store")
DAY = 24 * HOUR


def names(log: Segments) -> list[SegmentName]:
    return [segment.name for segment in log.closed]


def test_batches_are_written_then_synced_then_confirmed() -> None:
    files = ForgetfulFiles()
    log = segments(HERE, Clock(), files)
    files.calls.clear()
    first, second = log.append(batches([1, 2]))
    assert files.calls == ["create", "write", "write", "fdatasync", "sync_directory"]
    assert first == Position(NOON, FILE_HEAD_BYTES)
    assert isinstance(second, Position)
    assert first < second < log.end
    assert stored(HERE, files) == ([1, 2], [])


def test_the_directory_is_synced_once_a_segment() -> None:
    files = ForgetfulFiles()
    log = segments(HERE, Clock(), files)
    log.append([batch(1)])
    files.calls.clear()
    log.append([batch(2)])
    assert files.calls == ["write", "fdatasync"]


def test_many_batches_share_one_fdatasync() -> None:
    files = ForgetfulFiles()
    log = segments(HERE, Clock(), files)
    log.append(batches(range(50)))
    assert files.calls.count("fdatasync") == 1


def test_a_segment_is_closed_when_it_is_long_enough() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files, segment_bytes=500)
    for number in range(12):
        clock.advance(1)
        log.append([batch(number)])
    assert len(log.closed) > 2
    assert all(500 <= segment.size < 500 + 400 for segment in log.closed)
    assert stored(HERE, files) == (list(range(12)), [])


def test_a_segment_holds_one_utc_day() -> None:
    files, clock = ForgetfulFiles(), Clock(NOON + 12 * HOUR - 1)
    log = segments(HERE, clock, files)
    log.append([batch(1)])
    clock.advance(1)
    log.append([batch(2)])
    log.close()
    assert [name.file[17:27] for name in names(log)] == ["2024-11-24", "2024-11-25"]
    assert [segment.newest for segment in log.closed] == [clock.now - 1, clock.now]


def test_a_clock_set_back_an_hour_keeps_order_and_days_apart() -> None:
    files, clock = ForgetfulFiles(), Clock(NOON + 12 * HOUR)
    log = segments(HERE, clock, files)
    log.append([batch(1)])
    clock.now -= HOUR
    log.append([batch(2)])
    log.append([batch(3)])
    clock.now += HOUR
    log.append([batch(4)])
    log.close()
    assert [segment.records for segment in log.closed] == [2, 4, 2]
    assert [name.sequence for name in names(log)] == [clock.now, clock.now + 1, clock.now + 2]
    assert stored(HERE, files) == ([1, 2, 3, 4], [])


def test_a_clock_set_back_within_the_day_keeps_the_newest_receipt() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files)
    log.append([batch(1)])
    clock.now -= HOUR
    log.append([batch(2)])
    log.close()
    (segment,) = log.closed
    assert segment.newest == NOON
    assert [found.newest for found in segments(HERE, clock, files).closed] == [NOON]


def test_a_number_is_never_used_twice_even_when_all_is_deleted() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files)
    log.append([batch(1)])
    log.close()
    log.delete(NOON)
    clock.now += 1
    log = segments(HERE, clock, files)
    assert log.append([batch(2)]) == [Position(NOON + 1, FILE_HEAD_BYTES)]


def test_a_start_never_writes_into_what_was_there() -> None:
    files, clock = ForgetfulFiles(), Clock()
    segments(HERE, clock, files).append([batch(1)])
    log = segments(HERE, clock, files)
    log.append([batch(2)])
    assert len(log.closed) == 1
    assert stored(HERE, files) == ([1, 2], [])


def test_closed_segments_are_not_read_at_a_start() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files, segment_bytes=500)
    for number in range(40):
        log.append([batch(number)])
    log.close()
    files.bytes_read = 0
    again = segments(HERE, clock, files)
    assert again.closed == log.closed
    assert files.bytes_read == (FILE_HEAD_BYTES + HEAD_BYTES) * len(log.closed)


def test_the_size_is_that_of_the_files() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files, segment_bytes=500)
    for number in range(10):
        log.append([batch(number)])
        assert log.size == files.used
    log.delete(log.closed[0].name.sequence)
    assert log.size == files.used
    assert segments(HERE, clock, files).size == files.used


def test_a_batch_above_what_a_frame_holds_is_refused() -> None:
    for bad in (batch(1, records=1, length=33 * 1024 * 1024), batch(1, records=0)):
        with pytest.raises(RecordRefused):
            Segments.check(bad)


# Full


def test_above_max_bytes_batches_are_refused_until_something_is_deleted() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files, Limits(max_bytes=1000, min_free=0))
    done = [log.append([batch(number)])[0] for number in range(20)]
    kept = [number for number in range(20) if isinstance(done[number], Position)]
    assert kept == list(range(len(kept)))
    assert 0 < len(kept) < 20
    assert files.used <= 1000
    assert isinstance(done[-1], SinkFull)
    assert stored(HERE, files) == (kept, [])

    log.close()
    log.delete(log.closed[0].name.sequence)
    clock.advance(1_000)
    assert isinstance(log.append([batch(99)])[0], Position)


def test_below_min_free_batches_are_refused() -> None:
    files, clock = ForgetfulFiles(capacity=1000), Clock()
    log = segments(HERE, clock, files, Limits(max_bytes=1 << 40, min_free=600))
    results = [log.append([batch(number)])[0] for number in range(10)]
    assert isinstance(results[0], Position)
    assert isinstance(results[-1], SinkFull)
    assert files.free(HERE) >= 600


def test_of_a_group_that_does_not_fit_the_first_are_stored() -> None:
    files = ForgetfulFiles()
    log = segments(HERE, Clock(), files, Limits(max_bytes=600, min_free=0))
    results = log.append(batches(range(10)))
    stored_numbers, _ = stored(HERE, files)
    assert 0 < len(stored_numbers) < 10
    assert [isinstance(result, Position) for result in results] == [
        number in stored_numbers for number in range(10)
    ]


def test_while_full_a_refusal_touches_no_file() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files, Limits(max_bytes=500, min_free=0))
    log.append(batches(range(10)))
    files.calls.clear()
    assert isinstance(log.append([batch(99)])[0], SinkFull)
    assert isinstance(log.refusals.current(), SinkFull)
    assert files.calls == []


def test_room_that_appears_ends_the_refusals() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files, Limits(max_bytes=500, min_free=0))
    log.append(batches(range(10)))
    log.close()
    clock.advance(1_000)
    log.look_for_room()
    assert log.refusals.any
    log.delete(log.closed[0].name.sequence)
    log.look_for_room()
    assert not log.refusals.any


def test_every_fill_of_the_disk_leaves_whole_frames_only() -> None:
    needed = 2000
    for capacity in range(1, needed, 7):
        files = ForgetfulFiles(capacity)
        log = segments(HERE, Clock(), files)
        results = log.append(batches(range(10)))
        kept = [number for number, result in enumerate(results) if isinstance(result, Position)]
        assert all(isinstance(result, SinkFull) for result in results[len(kept) :])
        assert stored(HERE, files) == (kept, [])
        files.crash(Random(capacity))
        segments(HERE, Clock(), files)
        assert stored(HERE, files) == (kept, [])


def test_a_full_disk_is_used_again_once_there_is_room() -> None:
    files, clock = ForgetfulFiles(capacity=700), Clock()
    log = segments(HERE, clock, files)
    results = log.append(batches(range(10)))
    kept = [number for number, result in enumerate(results) if isinstance(result, Position)]
    files.capacity = 100_000
    clock.advance(1_000)
    assert all(isinstance(result, Position) for result in log.append(batches(range(10, 20))))
    assert stored(HERE, files) == (kept + list(range(10, 20)), [])


def test_a_full_disk_can_be_emptied() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files, segment_bytes=400)
    for number in range(8):
        log.append([batch(number)])
    files.capacity = files.used
    log = segments(HERE, clock, files, segment_bytes=400)  # starts on the full disk, too
    for segment in log.closed:
        log.delete(segment.name.sequence)
    assert files.used == log.size == 0


# Failing


def test_after_a_failed_sync_the_segment_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files)
    log.append([batch(1)])
    files.failing["fdatasync"] = errno.EIO
    (failed,) = log.append([batch(2)])
    assert type(failed) is SinkError
    assert "disk failed, segment given up" in caplog.text

    (refused,) = log.append([batch(3)])
    assert isinstance(refused, SinkUnavailable)

    clock.advance(2_000)
    (place,) = log.append([batch(4)])
    assert isinstance(place, Position)
    assert place.sequence > NOON
    for seed in range(20):
        files.crash(Random(seed))
        log = segments(HERE, clock, files)
        found, _ = stored(HERE, files)
        assert {1, 4} <= set(found) <= {1, 2, 4}


def test_a_failed_sync_of_the_directory_confirms_nothing() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files)
    files.failing["sync_directory"] = errno.EIO
    (failed,) = log.append([batch(1)])
    assert type(failed) is SinkError
    clock.advance(2_000)
    (place,) = log.append([batch(2)])
    assert isinstance(place, Position)
    assert files.calls[-1] == "sync_directory"


def test_a_write_that_fails_gives_the_segment_up() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files)
    log.append([batch(1)])
    files.failing["write"] = errno.EIO
    assert type(log.append([batch(2)])[0]) is SinkError
    assert log.size == files.used


def test_when_no_segment_can_be_begun_it_is_certain_that_nothing_is_stored() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files)
    files.failing["create"] = errno.EROFS
    assert isinstance(log.append([batch(1)])[0], SinkUnavailable)
    clock.advance(2_000)
    assert isinstance(log.append([batch(2)])[0], Position)
    assert stored(HERE, files) == ([2], [])


def test_a_tear_that_cannot_be_cut_off_confirms_nothing() -> None:
    files = ForgetfulFiles(capacity=700)
    log = segments(HERE, Clock(), files)
    files.failing["truncate"] = errno.EIO
    results = log.append(batches(range(10)))
    assert type(results[0]) is SinkError
    assert not any(isinstance(result, Position) for result in results)


def test_a_segment_that_cannot_be_closed_is_read_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files)
    log.append([batch(1)])
    files.failing["fdatasync"] = errno.EIO
    log.close()
    assert "segment could not be closed" in caplog.text
    log.append([batch(2)])
    assert stored(HERE, files) == ([1, 2], [])


def test_a_footer_that_does_not_fit_is_left_out() -> None:
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files)
    log.append([batch(1)])
    files.capacity = files.used + HEAD_BYTES - 1
    log.close()
    assert stored(HERE, files) == ([1], [])
    files.capacity = 10_000
    again = segments(HERE, clock, files)
    assert again.closed[0].size == log.closed[0].size + HEAD_BYTES
    assert stored(HERE, files) == ([1], [])


def test_no_line_of_the_log_holds_what_was_stored(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files)
    files.failing["fdatasync"] = errno.EIO
    log.append([batch(1)])
    assert "site.example" not in caplog.text


def test_a_footer_that_could_be_neither_written_nor_cut_off_is_in_the_bytes() -> None:
    files = ForgetfulFiles()
    log = segments(HERE, Clock(), files)
    log.append([batch(1)])
    files.capacity = files.used + 1
    files.failing["truncate"] = errno.EIO
    log.close()
    assert log.size == files.used
