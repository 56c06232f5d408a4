"""Only allowed headers are kept, as text that every JSON writer takes."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.event_text import EventText
from ingest.beacon.headers import AllowedHeaders, is_clean
from ingest.beacon.hit import RequestHead

_ALLOWED = AllowedHeaders(["accept-language", "sec-ch-ua"])


def test_only_allowed_headers_are_picked():
    headers = {b"accept-language": b"de", b"cookie": b"a=b", b"user-agent": b"x"}
    assert _ALLOWED.pick(headers) == {"accept-language": "de"}
    assert AllowedHeaders([]).pick(headers) == {}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b" de-DE \t", "de-DE"),
        ("größer".encode(), "größer"),
        (b"gr\xf6\xdfer", "größer"),
        (b"\xed\xa0\x80", "í\xa0\x80"),
        (b"a\x00b\x1fc\x7fd", "abcd"),
        (b"x" * 600, "x" * 512),
        ("😀".encode() * 600, "😀" * 512),
    ],
)
def test_a_value_is_cleaned_and_cut(sent, kept):
    assert _ALLOWED.pick({b"sec-ch-ua": sent}) == {"sec-ch-ua": kept}


@pytest.mark.parametrize("empty", [b"", b"  ", b"\x00\x01", b" \x7f "])
def test_what_is_empty_is_absent(empty):
    assert _ALLOWED.pick({b"sec-ch-ua": empty}) == {}


@given(st.binary(max_size=1_000))
def test_any_bytes_give_text_that_json_can_hold(sent):
    for value in _ALLOWED.pick({b"sec-ch-ua": sent}).values():
        assert orjson.loads(orjson.dumps(value)) == value
        assert 0 < len(value) <= 512
        assert not any(character < " " or character == "\x7f" for character in value)


def test_a_name_that_is_listed_twice_is_kept_once():
    allowed, text = AllowedHeaders(["dnt", "dnt"]), EventText()
    allowed.put(RequestHead(b"GET", "/p.gif", b"", {b"dnt": b"1"}), text)
    assert text.take() == b',"headers":{"dnt":"1"}'


_SENT = st.sampled_from(
    (b"", b" ", b"de-DE,de;q=0.9", b' "a"', b'"Chromium";v="126", "a\\b"', b"\xff\x00", b"\x00",
     b"x" * 512, b"x" * 513, b"a\x7f", b"a\tb", "größer".encode(), b"de ")
)  # fmt: skip


@pytest.mark.parametrize(
    "names", [(), ("accept-language", "sec-ch-ua"), ("x-mine", "user-agent", "dnt")]
)
@given(data=st.data())
def test_what_is_written_is_what_is_picked(names, data):
    allowed, text = AllowedHeaders(names), EventText()
    sent = st.dictionaries(st.sampled_from([*(n.encode() for n in names), b"x-other"]), _SENT)
    headers = data.draw(sent)
    allowed.put(RequestHead(b"GET", "/p.gif", b"", headers), text)
    picked = allowed.pick(headers)
    assert text.take() == (b',"headers":%b' % orjson.dumps(picked) if picked else b"")


@given(st.binary(max_size=600))
def test_what_is_clean_at_a_glance_is_kept_as_it_is(sent):
    if is_clean(sent, 0, len(sent)):
        assert _ALLOWED.pick({b"sec-ch-ua": sent}) == {"sec-ch-ua": sent.decode()}
