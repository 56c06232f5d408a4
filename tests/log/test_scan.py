from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.log.scan import Damage, End, Frame, Piece, Rest, Window, pieces
from ingest.log.segment import FILE_HEAD_BYTES, MARKER, FileHead, Footer, Tally, encode_frame
from tests.support.forgetful_files import ForgetfulFiles

HEAD = FileHead(1, 7, 6, 0).encode()
payloads = st.lists(st.binary(max_size=120), min_size=1, max_size=8)


def frames(bodies: list[bytes]) -> list[bytes]:
    return [encode_frame(bytes([n]) * 16, n, 1, body) for n, body in enumerate(bodies)]


def scan(data: bytes, offset: int = 0) -> list[Piece]:
    files = ForgetfulFiles()
    descriptor = files.create(Path("file"))
    files.write(descriptor, data)
    return list(pieces(Window(files, descriptor), offset))


def found(several: list[Piece]) -> list[int]:
    return [piece.head.received for piece in several if isinstance(piece, Frame)]


def reported(several: list[Piece]) -> list[Damage | Rest]:
    return [
        piece
        for piece in several
        if isinstance(piece, Damage) or (isinstance(piece, Rest) and piece.end > piece.start)
    ]


@given(payloads)
def test_whole_frames_are_found_in_order(bodies: list[bytes]) -> None:
    several = scan(HEAD + b"".join(frames(bodies)))
    assert [piece.payload for piece in several if isinstance(piece, Frame)] == bodies
    assert not reported(several)


@settings(max_examples=25)  # each tries every offset
@given(payloads)
def test_a_file_cut_anywhere_has_exactly_the_frames_before(bodies: list[bytes]) -> None:
    ends = [len(HEAD)]
    for frame in frames(bodies):
        ends.append(ends[-1] + len(frame))
    whole = HEAD + b"".join(frames(bodies))
    for cut in range(len(whole) + 1):
        several = scan(whole[:cut])
        before = [n for n, end in enumerate(ends[1:]) if end <= cut]
        assert found(several) == before
        kept = max([0, *(end for end in ends if end <= cut)])
        assert several[-1] == Rest(kept, cut)


@pytest.mark.parametrize("closed", [False, True])
@settings(max_examples=25)  # each tries every offset
@given(bodies=payloads, change=st.integers(1, 255))
def test_a_changed_byte_loses_at_most_its_frame(
    closed: bool, bodies: list[bytes], change: int
) -> None:
    parts = [HEAD, *frames(bodies)]
    if closed:
        length = sum(map(len, parts))
        parts.append(Footer(length, Tally(len(bodies), len(bodies), 0, 0)).encode())
    whole = b"".join(parts)
    owner = [n for n, part in enumerate(parts) for _ in part]
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= change
        several = scan(bytes(data))
        hit = owner[place] - 1
        assert found(several) == [n for n in range(len(bodies)) if n != hit]
        (part,) = reported(several)
        assert part.start <= place < part.end


def test_a_bad_payload_says_how_many_records_are_lost() -> None:
    first, second = encode_frame(bytes(16), 0, 17, b"body"), encode_frame(bytes(16), 1, 1, b"")
    data = HEAD + first[:-1] + b"!" + second
    assert reported(scan(data)) == [Damage(len(HEAD), len(HEAD) + len(first), 17)]


def test_garbage_between_frames_is_stepped_over_in_one() -> None:
    first, second = frames([b"a", b"b"])
    garbage = bytes(600_000) + MARKER + bytes(10) + MARKER
    several = scan(HEAD + first + garbage + second)
    assert found(several) == [0, 1]
    start = len(HEAD) + len(first)
    assert reported(several) == [Damage(start, start + len(garbage), 0)]


def test_a_marker_across_two_reads_is_found() -> None:
    (frame,) = frames([b"a"])
    for shift in range(5):
        several = scan(HEAD + bytes(256 * 1024 - 2 + shift) + frame)
        assert found(several) == [0]


def test_a_frame_within_a_payload_is_not_taken_for_one() -> None:
    (inner,) = frames([b"inner"])
    several = scan(HEAD + encode_frame(bytes(16), 9, 1, inner))
    assert found(several) == [9]


def test_scanning_goes_on_from_an_offset() -> None:
    first, second = frames([b"a", b"b"])
    several = scan(HEAD + first + second, len(HEAD) + len(first))
    assert found(several) == [1]


def test_an_offset_behind_the_end_is_a_rest_of_nothing() -> None:
    assert scan(HEAD, 1000) == [Rest(1000, 1000)]


def test_the_footer_ends_a_file() -> None:
    (frame,) = frames([b"a"])
    offset = len(HEAD) + len(frame)
    footer = Footer(offset, Tally(1, 1, 0, 0))
    assert scan(HEAD + frame + footer.encode())[-1] == End(offset, footer)


@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_rest(data: bytes) -> None:
    several = scan(data)
    assert found(several) == []
    assert isinstance(several[-1], Rest)


def test_what_was_buffered_before_the_writer_cut_back_is_read_again() -> None:
    first, second, third = frames([b"a", b"bb" * 40, b"ccc" * 40])
    files = ForgetfulFiles()
    descriptor = files.create(Path("file"))
    files.write(descriptor, HEAD + first + second[:-5])  # a full disk took a part of it
    window = Window(files, descriptor)
    walk = pieces(window, FILE_HEAD_BYTES)
    assert isinstance(next(walk), Frame)
    files.truncate(descriptor, len(HEAD) + len(first))
    files.write(descriptor, third)
    assert found(list(walk)) == [2]


def test_memory_is_bounded_by_a_frame_not_by_the_file() -> None:
    class Counting(ForgetfulFiles):
        longest = 0

        def read_at(self, descriptor: int, offset: int, length: int) -> bytes:
            self.longest = max(self.longest, length)
            return super().read_at(descriptor, offset, length)

    files = Counting()
    descriptor = files.create(Path("file"))
    files.write(descriptor, HEAD + b"".join(frames([bytes(100_000)] * 20)))
    assert len(list(pieces(Window(files, descriptor), 0))) == 21
    assert files.longest == 256 * 1024
