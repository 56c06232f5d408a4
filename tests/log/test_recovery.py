import errno
from pathlib import Path

import pytest

from ingest.log.files import OsFiles
from ingest.log.recovery import Recovered, recover
from ingest.log.room import Limits
from ingest.log.scan import Frame, Window, pieces
from ingest.log.segment import FILE_HEAD_BYTES, FileHead, SegmentName, day_of
from ingest.log.segments import Segments
from tests.support.forgetful_files import ForgetfulFiles
from tests.support.stored import NOON, Clock, batch, batches, segments, stored

HERE = Path("store")
FILE = SegmentName(NOON, day_of(NOON)).file


def crashed(numbers: range) -> ForgetfulFiles:
    """Files whose open segment holds those batches."""
    files = ForgetfulFiles()
    segments(HERE, Clock(), files).append(batches(numbers))
    return files


def start(files: ForgetfulFiles) -> Recovered:
    return Segments(HERE, 1 << 20, Limits(1 << 40, 0), Clock().machine(files)).start()


def test_an_open_segment_is_closed_and_kept() -> None:
    files = crashed(range(3))
    first, second = start(files), start(files)
    assert first.segments == second.segments
    assert (first.segments[0].records, first.segments[0].newest) == (6, NOON)
    assert (first.torn_bytes, first.damaged_frames) == (0, 0)


def test_a_file_torn_anywhere_keeps_exactly_the_frames_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = bytes(crashed(range(3)).content(FILE))
    for cut in range(len(whole) + 1):
        caplog.clear()
        files = crashed(range(3))
        del files.content(FILE)[cut:]
        recovered = start(files)
        found, skipped = stored(HERE, files)
        assert found == list(range(len(found)))
        assert skipped == []
        assert recovered.damaged_frames == 0
        assert ("torn end" in caplog.text) == (recovered.torn_bytes > 0)
        if found:
            kept = recovered.segments[0].size - 44
            assert cut == kept + recovered.torn_bytes
        else:
            assert recovered.segments == []
            assert files.used == recovered.torn_bytes - (cut if cut < FILE_HEAD_BYTES else 0)
        if cut >= FILE_HEAD_BYTES:
            assert _kept(files) == whole[cut - recovered.torn_bytes : cut]
    assert found == [0, 1, 2]


def _heads(files: ForgetfulFiles) -> list[int]:
    """Where frames begin."""
    descriptor = files.open(HERE / FILE)
    found = [p.start for p in pieces(Window(files, descriptor), 0) if isinstance(p, Frame)]
    files.close(descriptor)
    return found


def _kept(files: ForgetfulFiles) -> bytes:
    """What was cut off, and is kept beside the segment."""
    return b"".join(bytes(files.content(n)) for n in files.names(HERE) if n.endswith(".aside"))


def test_a_last_frame_whose_head_is_damaged_is_kept_for_it_may_have_been_confirmed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = crashed(range(3))
    at = _heads(files)[-1]
    files.content(FILE)[at + 5] ^= 1
    whole = bytes(files.content(FILE))
    recovered = start(files)
    assert recovered.torn_bytes == len(whole) - at
    assert _kept(files) == whole[at:]
    assert "only if the disk lost" in str(caplog.records[0].__dict__["fields"])


def test_what_is_cut_off_is_cut_off_only_once_it_is_kept() -> None:
    for call in ("create", "write", "fdatasync", "sync_directory"):
        files = crashed(range(3))
        files.content(FILE).extend(b"torn")
        files.failing[call] = errno.EIO
        assert start(files).torn_bytes == 0
        assert b"torn" in files.content(FILE)
        assert stored(HERE, files)[0] == [0, 1, 2]


def test_a_damaged_frame_stays_where_it_is_and_costs_no_neighbour(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = crashed(range(3))
    content = files.content(FILE)
    content[len(content) // 2] ^= 1
    before = bytes(content)
    recovered = start(files)
    assert recovered.damaged_frames == 1
    assert recovered.torn_bytes == 0
    assert "damaged part of a segment is skipped" in caplog.text
    assert bytes(files.content(FILE)).startswith(before)
    found, (skipped,) = stored(HERE, files)
    assert found == [0, 2]
    assert skipped.records == 2


def test_the_last_frame_damaged_within_is_not_taken_for_a_tear() -> None:
    files = crashed(range(3))
    files.content(FILE)[-1] ^= 1
    recovered = start(files)
    assert (recovered.torn_bytes, recovered.damaged_frames) == (0, 1)
    assert stored(HERE, files)[0] == [0, 1]


def test_a_damaged_file_head_costs_no_frame() -> None:
    files = crashed(range(3))
    files.content(FILE)[3] ^= 1
    assert start(files).damaged_frames == 1
    assert stored(HERE, files)[0] == [0, 1, 2]


def test_a_damaged_footer_makes_the_start_look_through() -> None:
    files = crashed(range(3))
    start(files)
    files.content(FILE)[-1] ^= 1
    recovered = start(files)
    assert recovered.torn_bytes == 44
    assert recovered.segments[0].records == 6
    assert stored(HERE, files) == ([0, 1, 2], [])


def test_garbage_too_long_for_a_tear_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.log.recovery._LONGEST_TEAR", 1000)
    files = crashed(range(3))
    files.content(FILE).extend(bytes(1001))
    recovered = start(files)
    assert (recovered.torn_bytes, recovered.damaged_frames) == (0, 1)
    found, (skipped,) = stored(HERE, files)
    assert found == [0, 1, 2]
    assert skipped.end.offset - skipped.start.offset == 1001


def test_a_segment_of_a_later_version_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    files = crashed(range(3))
    files.content(FILE)[:FILE_HEAD_BYTES] = FileHead(2, NOON, 0, NOON).encode()
    before = bytes(files.content(FILE))
    (segment,) = start(files).segments
    assert bytes(files.content(FILE)) == before
    assert segment.newest == SegmentName(NOON, day_of(NOON)).last_ms
    assert "another version" in caplog.text


def test_a_segment_that_cannot_be_read_does_not_stop_the_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = crashed(range(3))
    files.failing["read_at"] = errno.EIO
    (segment,) = start(files).segments
    assert segment.newest == SegmentName(NOON, day_of(NOON)).last_ms
    assert "cannot be read" in caplog.text


def test_a_segment_on_a_full_disk_is_recovered_without_its_footer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = crashed(range(3))
    files.content(FILE).extend(b"torn")
    files.capacity = files.used
    recovered = start(files)
    assert (recovered.torn_bytes, recovered.damaged_frames) == (0, 1)
    assert recovered.segments[0].records == 6
    assert stored(HERE, files) == ([0, 1, 2], [])
    files.capacity += 1_000
    assert start(files).torn_bytes == 4
    assert _kept(files) == b"torn"
    assert stored(HERE, files) == ([0, 1, 2], [])


def test_a_footer_that_fits_in_part_is_not_left_torn() -> None:
    files = crashed(range(3))
    whole = bytes(files.content(FILE))
    files.capacity = files.used + 20
    assert start(files).segments[0].size == len(whole)
    assert bytes(files.content(FILE)) == whole


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    segments(tmp_path, Clock(), OsFiles()).append([batch(1)])
    assert len(recover(OsFiles(), tmp_path).segments) == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"
