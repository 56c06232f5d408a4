import errno
import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.log.files import OsFiles
from ingest.log.machine import Machine
from ingest.log.position import BEGINNING, Position
from ingest.log.reader import Reader, Skipped, SkipReason, StoredBatch
from ingest.log.segment import (
    FILE_HEAD_BYTES,
    VERSION,
    FileHead,
    SegmentName,
    day_of,
    encode_frame,
)
from ingest.log.segments import Segments
from tests.support.forgetful_files import ForgetfulFiles
from tests.support.stored import (
    NOON,
    UNLIMITED,
    Clock,
    batch,
    batches,
    number,
    segments,
    stored,
)

HERE = Path("store")


def written(count: int, each: int = 3) -> tuple[Segments, ForgetfulFiles]:
    """A log of `count` batches, `each` to a segment."""
    files, clock = ForgetfulFiles(), Clock()
    log = segments(HERE, clock, files)
    for n in range(count):
        if n and n % each == 0:
            log.close()
        clock.advance(1)
        assert isinstance(log.append([batch(n)])[0], Position)
    return log, files


def numbers(found: list[StoredBatch]) -> list[int]:
    return [number(one.id) for one in found]


def delete_oldest(log: Segments) -> Position:
    """Delete it; returns the position right behind it in order."""
    oldest = log.closed[0].name.sequence
    log.delete(oldest)
    return Position(oldest + 1, 0)


# Positions


def test_a_batch_comes_back_with_all_that_was_appended() -> None:
    log, files = written(1)
    with Reader(HERE, files=files) as reader:
        (found,) = reader.batches()
    assert found == StoredBatch(
        batch(0).id,
        NOON + 1,
        tuple(batch(0).records),
        Position(NOON + 1, FILE_HEAD_BYTES),
        log.end,
    )


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=20))
def test_reads_of_any_size_and_restarts_anywhere_give_each_batch_once(
    steps: list[tuple[int, bool]],
) -> None:
    _, files = written(20)
    reader, found = Reader(HERE, files=files), list[int]()
    for limit, restart in steps:
        found += numbers(reader.read(limit))
        if restart:
            reader.close()
            reader = Reader(HERE, Position.parse(str(reader.position)), files=files)
    found += numbers(list(reader.batches()))
    assert found == list(range(20))


@given(st.integers(0, 20), st.integers(0, 20))
def test_between_two_positions_stand_just_the_batches_between(one: int, other: int) -> None:
    first, last = sorted((one, other))
    _, files = written(20)
    with Reader(HERE, files=files) as reader:
        ends = [BEGINNING, *(found.end for found in reader.batches())]
    with Reader(HERE, ends[first], files=files) as reader:
        assert numbers(reader.read(100, until=ends[last])) == list(range(first, last))
        assert reader.position == ends[last]
        assert numbers(reader.read(100)) == list(range(last, 20))


def test_an_empty_directory_is_read_until_something_comes() -> None:
    files = ForgetfulFiles()
    reader = Reader(HERE, files=files)
    assert reader.read(10) == []
    segments(HERE, Clock(), files).append([batch(1)])
    assert numbers(reader.read(10)) == [1]


def test_behind_the_end_only_what_comes_is_read() -> None:
    log, files = written(7)
    reader = Reader(HERE, files=files)
    reader.skip_to_end()
    assert reader.position == log.end
    assert reader.read(10) == []
    log.append([batch(7)])
    log.close()
    log.append([batch(8)])
    assert numbers(reader.read(10)) == [7, 8]


def test_the_end_of_an_empty_directory_is_the_beginning() -> None:
    reader = Reader(HERE, files=ForgetfulFiles())
    reader.skip_to_end()
    assert reader.position == BEGINNING


def test_following_yields_what_comes_until_told_to_stop() -> None:
    log, files = written(2)
    coming: Iterator[int] = iter([2, 3, 4])

    def wait() -> bool:
        n = next(coming, None)
        if n is not None:
            log.append([batch(n)])
        return n is not None

    with Reader(HERE, files=files) as reader:
        assert numbers(list(reader.follow(wait))) == [0, 1, 2, 3, 4]


# While it is written


def test_a_frame_seen_in_part_is_read_once_it_is_whole() -> None:
    log, files = written(1)
    skipped: list[Skipped] = []
    reader = Reader(HERE, on_skip=skipped.append, files=files)
    name = next(iter(files.names(HERE)))
    before = len(files.content(name))
    log.append([batch(1)])
    whole = bytes(files.content(name))
    found: list[int] = []
    for length in range(before, len(whole) + 1):
        files.content(name)[:] = whole[:length]
        found += numbers(reader.read(10))
        assert found == ([0, 1] if length == len(whole) else [0])
    assert skipped == []


def test_a_part_of_a_frame_that_is_cut_off_and_written_anew_is_read_as_the_new_one() -> None:
    log, files = written(1)
    content = files.content(files.names(HERE)[0])
    before = len(content)
    log.append([batch(1, length=90)])
    del content[-10:]  # as on a disk that is full, before the writer cuts it off
    skipped: list[Skipped] = []
    reading = Reader(HERE, on_skip=skipped.append, files=files).batches()
    assert number(next(reading).id) == 0  # and the part is in its buffer
    del content[before:]
    log.append([batch(2, length=90)])
    assert numbers(list(reading)) == [2]
    assert skipped == []


@pytest.mark.parametrize("bounded", [False, True], ids=["alone", "up to the writer's end"])
def test_a_reader_beside_a_writer_gets_every_batch_once_and_in_order(
    tmp_path: Path, bounded: bool
) -> None:
    count = 1_500
    log = Segments(tmp_path, 4_096, UNLIMITED, Machine())
    log.start()
    done = threading.Event()

    def write() -> None:
        for start in range(0, count, 3):
            log.append(batches(range(start, start + 3)))
        done.set()

    skipped: list[Skipped] = []
    found: list[int] = []
    writer = threading.Thread(target=write)
    writer.start()
    with Reader(tmp_path, on_skip=skipped.append) as reader:
        while True:
            last_round = done.wait(0.001)  # a busy reader would take the writer's processor
            end = log.end if bounded else None
            found += numbers(list(reader.batches(end)))
            assert end is None or reader.position <= end
            if last_round:
                break
    writer.join()
    assert found == list(range(count))
    assert skipped == []
    assert log.files > 20


def test_a_reader_beside_a_writer_that_deletes_says_what_it_missed(tmp_path: Path) -> None:
    count = 500
    log = Segments(tmp_path, 1_024, UNLIMITED, Machine())
    log.start()
    done = threading.Event()

    def write() -> None:
        for n in range(count):
            log.append([batch(n)])
            if len(log.closed) > 2:
                log.delete(log.closed[0].name.sequence)
        done.set()

    skipped: list[Skipped] = []
    found: list[int] = []
    writer = threading.Thread(target=write)
    writer.start()
    with Reader(tmp_path, on_skip=skipped.append) as reader:
        while True:
            last_round = done.is_set()
            found += numbers(reader.read(7))  # leaves the segment open in between
            if last_round:
                found += numbers(list(reader.batches()))
                break
    writer.join()
    assert found == sorted(set(found))
    assert {skip.reason for skip in skipped} <= {SkipReason.GONE}
    gaps = sum(two - one > 1 for one, two in itertools.pairwise(found))
    assert gaps <= len(skipped)


class Late(OsFiles):
    """Writes a file's head between a reader's look at the file and its question for the length."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    def size(self, descriptor: int) -> int:
        if head := self._head:
            self._head = b""
            os.write(descriptor, head)
        return super().size(descriptor)

    def open(self, path: Path, *, append: bool = False) -> int:
        return super().open(path, append=True)


def test_a_head_written_while_a_reader_looks_at_the_file_is_no_damage(tmp_path: Path) -> None:
    head = FileHead(VERSION, NOON, 0, NOON)
    (tmp_path / SegmentName(NOON, day_of(NOON)).file).touch()
    skipped: list[Skipped] = []
    with Reader(tmp_path, on_skip=skipped.append, files=Late(head.encode())) as reader:
        assert reader.read(1) == []
        assert reader.position == Position(NOON, 0)
    assert skipped == []


class Glimpse(ForgetfulFiles):
    """Lists a directory once as readdir(3) may: with the last file, without the one before it."""

    glimpsed = False

    def names(self, directory: Path) -> list[str]:
        names = sorted(super().names(directory))
        if self.glimpsed:
            return names
        self.glimpsed = True
        return [*names[:-2], names[-1]]


def test_a_segment_that_a_listing_missed_is_read_all_the_same() -> None:
    files, clock = Glimpse(), Clock()
    files.glimpsed = True
    log = segments(HERE, clock, files)
    for n in range(3):
        clock.advance(1)
        log.append([batch(n)])
        log.close()
    skipped: list[Skipped] = []
    with Reader(HERE, on_skip=skipped.append, files=files) as reader:
        found = numbers(reader.read(1))
        files.glimpsed = False
        found += numbers(list(reader.batches()))
    assert found == [0, 1, 2]
    assert skipped == []


# Deleted before it was read


def test_a_segment_deleted_before_it_was_read_is_reported_once() -> None:
    log, files = written(12)
    skipped: list[Skipped] = []
    reader = Reader(HERE, on_skip=skipped.append, files=files)
    assert numbers(reader.read(2)) == [0, 1]
    start = reader.position
    reader.close()  # else the file stays readable
    delete_oldest(log)
    assert numbers(reader.read(100)) == list(range(3, 12))
    (gone,) = skipped
    assert (gone.reason, gone.start) == (SkipReason.GONE, start)
    assert gone.end == Position(log.closed[0].name.sequence, 0)


def test_a_segment_that_is_open_is_read_to_its_end_though_deleted() -> None:
    log, files = written(12)
    skipped: list[Skipped] = []
    reader = Reader(HERE, on_skip=skipped.append, files=files)
    assert numbers(reader.read(1)) == [0]
    delete_oldest(log)
    assert numbers(reader.read(100)) == list(range(1, 12))
    assert skipped == []


def test_segments_deleted_behind_the_one_that_is_open_are_reported() -> None:
    log, files = written(12)
    skipped: list[Skipped] = []
    reader = Reader(HERE, on_skip=skipped.append, files=files)
    assert numbers(reader.read(1)) == [0]
    delete_oldest(log)
    delete_oldest(log)
    assert numbers(reader.read(100)) == [1, 2, *range(6, 12)]
    assert [skip.reason for skip in skipped] == [SkipReason.GONE]


def test_a_segment_deleted_between_the_listing_and_the_opening_is_passed() -> None:
    _, files = written(12)
    files.failing["open"] = errno.ENOENT
    skipped: list[Skipped] = []
    with Reader(HERE, on_skip=skipped.append, files=files) as reader:
        assert numbers(reader.read(100)) == list(range(3, 12))


def test_from_the_beginning_what_was_deleted_long_ago_is_not_missed() -> None:
    log, files = written(12)
    delete_oldest(log)
    assert stored(HERE, files) == (list(range(3, 12)), [])


def test_a_position_in_a_segment_that_is_gone_goes_on_with_the_next() -> None:
    log, files = written(12)
    position = Position(log.closed[0].name.sequence, 100)
    delete_oldest(log)
    found, (skip,) = stored(HERE, files, position)
    assert found == list(range(3, 12))
    assert (skip.reason, skip.start) == (SkipReason.GONE, position)


# Damage


def test_a_damaged_frame_is_reported_with_what_it_held() -> None:
    log, files = written(3)
    with Reader(HERE, files=files) as reader:
        places = list(reader.batches())
    log.close()
    files.content(files.names(HERE)[0])[places[1].end.offset - 1] ^= 1
    found, skipped = stored(HERE, files)
    assert found == [0, 2]
    assert skipped == [Skipped(SkipReason.DAMAGED, places[1].start, places[1].end, records=2)]


def test_a_payload_that_is_none_under_a_right_checksum_is_damage() -> None:
    log, files = written(1)
    name = files.names(HERE)[0]
    files.content(name).extend(encode_frame(bytes(16), NOON, 5, b"no zstd"))
    log.close()
    found, skipped = stored(HERE, files)
    assert found == [0]
    assert [(skip.reason, skip.records) for skip in skipped] == [(SkipReason.DAMAGED, 5)]


def test_a_torn_end_is_damage_once_a_segment_follows() -> None:
    log, files = written(1)
    files.content(files.names(HERE)[0]).extend(b"torn")
    reader_sees = stored(HERE, files)
    assert reader_sees == ([0], [])
    log._open = None  # as a process that was killed leaves it
    log.append([batch(1)])
    found, (skip,) = stored(HERE, files)
    assert found == [0, 1]
    assert skip.end.offset - skip.start.offset == 4


def test_a_segment_of_a_later_version_is_stepped_over() -> None:
    log, files = written(6)
    name = f"{log.closed[0].name.file}"
    sequence = log.closed[0].name.sequence
    files.content(name)[:FILE_HEAD_BYTES] = FileHead(2, sequence, 0, NOON).encode()
    found, (skip,) = stored(HERE, files)
    assert found == [3, 4, 5]
    assert skip.reason is SkipReason.FOREIGN


def test_a_bad_sector_costs_the_rest_of_its_segment() -> None:
    log, files = written(6)
    files.failing["read_at"] = errno.EIO
    skipped: list[Skipped] = []
    with Reader(
        HERE, Position(log.closed[0].name.sequence, FILE_HEAD_BYTES), skipped.append, files
    ) as reader:
        assert numbers(reader.read(100)) == [3, 4, 5]
    assert [skip.reason for skip in skipped] == [SkipReason.DAMAGED]


def test_what_is_skipped_is_logged_without_its_content(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = segments(tmp_path, Clock(), OsFiles())
    log.append([batch(1)])
    log.close()
    file = next(tmp_path.glob("*.seg"))
    data = bytearray(file.read_bytes())
    data[150] ^= 1
    file.write_bytes(data)
    with Reader(tmp_path) as reader:
        assert reader.read(10) == []
    assert "reader skipped a part of the log" in caplog.text
    assert "site.example" not in caplog.text


@pytest.mark.parametrize("until_end", [False, True])
def test_moving_back_into_an_earlier_segment_reads_it_again(tmp_path, until_end) -> None:
    clock = Clock()
    made = segments(tmp_path, clock, OsFiles(), segment_bytes=200)
    for one in batches(range(8), length=100):
        made.append([one])
    with Reader(tmp_path) as reader:
        first = list(reader.batches())
        assert len({batch.start.sequence for batch in first}) > 2
        until = made.end if until_end else None
        for batch in first:
            reader.move(batch.start)
            assert next(again.id for again in reader.batches(until)) == batch.id
