import zlib

from hypothesis import given
from hypothesis import strategies as st

from ingest.log.segment import (
    FILE_HEAD_BYTES,
    HEAD_BYTES,
    MAX_PAYLOAD,
    FileHead,
    Footer,
    FrameHead,
    SegmentName,
    Tally,
    checksum,
    day_of,
    encode_frame,
)

u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
times = st.integers(-(2**63), 2**63 - 1)
ids = st.binary(min_size=16, max_size=16)


@given(u32, u64, u64, times)
def test_a_file_head_comes_back(version: int, sequence: int, previous: int, created: int) -> None:
    head = FileHead(version, sequence, previous, created)
    assert len(head.encode()) == FILE_HEAD_BYTES
    assert FileHead.decode(head.encode()) == head


@given(ids, times, u32, st.binary(max_size=100))
def test_a_frame_head_comes_back(batch_id: bytes, received: int, count: int, body: bytes) -> None:
    frame = encode_frame(batch_id, received, count, body)
    assert len(frame) == HEAD_BYTES + len(body)
    head = FrameHead.decode(frame)
    assert head == FrameHead(len(body), batch_id, received, count, zlib.crc32(body))


@given(u64, u32, u64, times, times)
def test_a_footer_comes_back_at_its_place_only(
    offset: int, frames: int, count: int, oldest: int, newest: int
) -> None:
    footer = Footer(offset, Tally(frames, count, oldest, newest))
    assert len(footer.encode()) == HEAD_BYTES
    assert Footer.decode(footer.encode(), offset) == footer
    assert Footer.decode(footer.encode(), offset + 1) is None


@given(st.integers(0, HEAD_BYTES - 1), st.integers(1, 255))
def test_a_changed_byte_of_a_head_shows(place: int, change: int) -> None:
    for encoded, decode in (
        (FileHead(1, 2, 1, 3).encode(), FileHead.decode),
        (encode_frame(bytes(16), 5, 1, b""), FrameHead.decode),
        (Footer(99, Tally(1, 1, 5, 5)).encode(), lambda data: Footer.decode(data, 99)),
    ):
        data = bytearray(encoded)
        assert decode(bytes(data)) is not None
        data[place % len(data)] ^= change
        assert decode(bytes(data)) is None


@given(st.binary(max_size=60))
def test_a_part_of_a_head_is_none(data: bytes) -> None:
    assert FrameHead.decode(data) is None
    assert FileHead.decode(data) is None


def test_a_length_above_the_bound_is_none() -> None:
    assert FrameHead.decode(encode_frame(bytes(16), 5, 1, bytes(MAX_PAYLOAD + 1))) is None


@given(st.binary(max_size=20_000))
def test_the_checksum_is_crc32(data: bytes) -> None:
    assert checksum(data) == zlib.crc32(data)


def test_a_name_says_number_and_day() -> None:
    name = SegmentName(1_732_443_300_123, day_of(1_732_443_300_123))
    assert name.file == "0001732443300123-2024-11-24.seg"
    assert name.last_ms == 1_732_492_799_999


@given(st.integers(0, 10**16 - 1), st.integers(0, 100_000))
def test_a_name_comes_back_from_its_file(sequence: int, day: int) -> None:
    name = SegmentName(sequence, day)
    assert SegmentName.parse(name.file) == name


@given(st.lists(st.integers(0, 10**16 - 1), unique=True))
def test_file_names_sort_as_segments_do(sequences: list[int]) -> None:
    names = [SegmentName(sequence, 20_000) for sequence in sequences]
    assert sorted(name.file for name in names) == [name.file for name in sorted(names)]


def test_other_files_are_no_segments() -> None:
    for file in ("lock", "x.seg", "-.seg", "1-2024-11-24.seg", "0001732443300123-2024-02-30.seg"):
        assert SegmentName.parse(file) is None
    assert SegmentName.parse("0001732443300123-20241124.seg") is None
    assert SegmentName.parse("000173244330012٣-2024-11-24.seg") is None
