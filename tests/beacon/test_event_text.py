"""The writer of events: what is put in is what a reader of JSON finds, as orjson would write it."""

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon import event_text
from tests.support.interpreted import interpreted

WRITERS = (event_text.EventText, interpreted("ingest.beacon.event_text").EventText)
texts = st.text(st.characters(exclude_categories=("Cs",))) | st.text('az 0~"\\\x00\x1f\x7f\x80ü')
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)
writers = pytest.mark.parametrize("writer", WRITERS)


@writers
@given(text=texts)
def test_texts_are_written_as_orjson_writes_them(writer, text):
    written = writer()
    written.put_text(text)
    assert written.take() == orjson.dumps(text)


@writers
@given(text=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_printable_ascii_is_written_as_orjson_writes_it(writer, text):
    written = writer()
    written.put_printable(text.encode(), 0, len(text))
    assert written.take() == orjson.dumps(text)


@writers
@given(number=st.integers(0, 2**64 - 1) | st.integers(0, 20).map(lambda power: 10**power - 1))
def test_numbers(writer, number):
    number = min(number, 2**64 - 1)
    written = writer()
    written.put_number(number)
    assert written.take() == b"%d" % number


@writers
@given(pieces=st.lists(st.tuples(texts, values)))
def test_pieces_follow_each_other(writer, pieces):
    written = writer()
    for event in range(2):
        written.begin()
        written.put(b"[%d" % event)
        for text, value in pieces:
            written.put(b",")
            written.put_text(text)
            written.put(b",")
            written.put_value(value)
        written.put(b"]")
        flat = [part for piece in pieces for part in piece]
        taken = written.take()
        assert type(taken) is bytes
        assert taken == orjson.dumps([event, *flat])


@writers
@pytest.mark.parametrize("size", [4_093, 4_094, 4_095, 4_096, 4_097, 100_000])
def test_there_is_room_for_what_is_longer_than_all_before(writer, size):
    for put in ("put_text", "put_quoted", "put_printable", "put"):
        written = writer()
        text = "x" * size
        part = (0, size) if put in ("put_quoted", "put_printable") else ()
        getattr(written, put)(text if put == "put_text" else text.encode(), *part)
        quote = b"" if put == "put" else b'"'
        assert written.take() == quote + text.encode() + quote
        written.put_number(1)
        assert written.take() == quote + text.encode() + quote + b"1"


@writers
def test_many_small_pieces_are_more_than_the_first_room(writer):
    written = writer()
    for number in range(5_000):
        written.put_number(number)
        written.put_text("y")
    assert written.take() == b"".join(b'%d"y"' % number for number in range(5_000))


@pytest.mark.parametrize("put", ["put", "put_text"])
def test_nothing_cannot_be_written(put):
    with pytest.raises(TypeError):
        getattr(event_text.EventText(), put)(None)


@writers
@pytest.mark.parametrize("put", ["put_part", "put_quoted", "put_printable"])
def test_what_does_not_lie_in_the_bytes_is_not_written(writer, put):
    for begin, end in ((-1, 2), (0, 4), (2, 1), (4, 4)):
        with pytest.raises(IndexError):
            getattr(writer(), put)(b"abc", begin, end)
    with pytest.raises(TypeError):
        getattr(event_text.EventText(), put)(None, 0, 0)


@writers
@given(data=st.binary(), begin=st.integers(0, 50), end=st.integers(0, 50))
def test_a_part_is_written_as_it_is(writer, data, begin, end):
    begin = min(begin, len(data))
    end = max(begin, min(end, len(data)))
    written = writer()
    written.put_part(data, begin, end)
    assert written.take() == data[begin:end]


def test_what_json_does_not_hold_is_an_error_and_what_stood_there_stays():
    written = event_text.EventText()
    written.put(b"a")
    with pytest.raises(TypeError):
        written.put_value(object())
    with pytest.raises(TypeError):
        written.put_text("ok \ud800")
    written.put_value(math.nan)
    assert written.take() == b"anull"
