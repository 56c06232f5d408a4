"""The rules that are compiled: each agrees with its source, run by the interpreter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon import cut, fields, network, percent, query, sanitise, scan, url
from ingest.beacon.fields import FIELDS, PIXEL_NAMES
from ingest.beacon.url import PageUrls
from tests.support.interpreted import interpreted

PLAIN = {
    module.__name__: interpreted(module.__name__)
    for module in (cut, fields, network, percent, query, sanitise, scan, url)
}
_PIECES = ("%", "%4", "%40", "%C3%BC", "+", "&", "=", "@", ".", "/", "?", "#", ":", ";", "\\", "40",
           "https://", "http://", "HTTPS://", "a.example", "[::1]", "www", "utm_source=x", " ",
           "\t", "\0", "ü", "\uff20", "\U0001f600", "s=", "u=", "%73=")  # fmt: skip
texts = st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=14).map("".join)
addresses = st.lists(
    st.sampled_from(("0", "1", "25", "255", "256", "01", ".", "..", ":", "::", "ffff", " "))
).map("".join) | st.ip_addresses().map(str)
scalars = texts | st.from_regex(r"[0-9]{0,20}") | st.none() | st.integers() | st.floats()


@given(st.binary())
def test_percent_decoding_of_bytes(raw: bytes) -> None:
    assert percent.decode_bytes(raw) == PLAIN["ingest.beacon.percent"].decode_bytes(raw)


@given(texts)
def test_queries(text: str) -> None:
    raw = text.encode()
    plain = PLAIN["ingest.beacon.query"].read_query(raw, PIXEL_NAMES)
    assert tuple(query.read_query(raw, PIXEL_NAMES)) == tuple(plain)


@given(texts, st.integers(0, 20))
def test_texts(text: str, limit: int) -> None:
    assert tuple(sanitise.clean(text, limit)) == tuple(
        PLAIN["ingest.beacon.sanitise"].clean(text, limit)
    )


@given(texts | texts.map(lambda text: f"https://www.a.example/{text}"))
def test_page_addresses_and_their_quick_way(text: str) -> None:
    keep = ("utm_*", "ref")
    cleaned = PageUrls(keep).clean(text)
    assert cleaned == PageUrls(keep).cleaned(text)
    plain = PLAIN["ingest.beacon.url"].PageUrls(keep).clean(text)
    assert (cleaned and tuple(cleaned)) == (plain and tuple(plain))


@given(addresses)
def test_client_addresses(text: str) -> None:
    assert network.anonymise(text) == PLAIN["ingest.beacon.network"].anonymise(text)


@pytest.mark.parametrize("name", [field.name for field in FIELDS if field.read])
@given(value=scalars)
def test_fields(name: str, value: object) -> None:
    read = []
    for module in (fields, PLAIN["ingest.beacon.fields"]):
        (field,) = (field for field in module.FIELDS if field.name == name)
        read.append(field.read(value))
    assert read[0] == read[1]


@given(st.binary(max_size=8), st.integers(-3, 12), st.integers(-3, 12))
def test_no_byte_is_cut_out_that_is_not_there(data: bytes, begin: int, end: int) -> None:
    for module in (cut, PLAIN["ingest.beacon.cut"]):
        if 0 <= begin <= end <= len(data):
            assert module.cut(data, begin, end) == data[begin:end]
            assert module.cut_text(data, begin, end) == data[begin:end].decode("utf-8", "replace")
        else:
            with pytest.raises(IndexError):
                module.cut(data, begin, end)
            with pytest.raises(IndexError):
                module.cut_text(data, begin, end)


@given(st.binary(max_size=8).map(bytearray), st.integers(-3, 12))
def test_no_byte_of_a_buffer_is_cut_out_that_is_not_there(buffer: bytearray, end: int) -> None:
    for module in (cut, PLAIN["ingest.beacon.cut"]):
        if 0 <= end <= len(buffer):
            found = module.cut_buffer(buffer, end)
            assert type(found) is bytes
            assert found == buffer[:end]
        else:
            with pytest.raises(IndexError):
                module.cut_buffer(buffer, end)


@given(st.binary(max_size=12), st.integers(-3, 15), st.integers(-3, 15))
def test_a_part_is_decoded_as_if_it_stood_alone(raw: bytes, begin: int, end: int) -> None:
    for module in (percent, PLAIN["ingest.beacon.percent"]):
        if 0 <= begin <= end <= len(raw):
            part = module.decoded(raw, begin, end)
            assert part.decode("utf-8", "replace") == percent.decode_bytes(raw[begin:end])
        else:
            with pytest.raises(IndexError):
                module.decoded(raw, begin, end)


def test_nothing_is_cut_out_of_nothing() -> None:
    with pytest.raises(TypeError):
        cut.cut(None, 0, 1)
    with pytest.raises(TypeError):
        cut.cut_text(None, 0, 1)
    with pytest.raises(TypeError):
        cut.cut_buffer(None, 1)


pieces = st.lists(st.sampled_from((b"a", b"A", b"ab", b"-", b"\r", b"\x00", b"\xff"))).map(b"".join)


@given(pieces, pieces, st.integers(-2, 9), st.integers(-2, 9))
def test_bytes_are_looked_at_where_they_stand_and_nowhere_else(
    data: bytes, other: bytes, begin: int, end: int
) -> None:
    letters = bytes(byte in b"aAb" for byte in range(256))
    for module in (scan, PLAIN["ingest.beacon.scan"]):
        if 0 <= begin <= len(data):
            rest = data[begin:]
            assert module.span(data, begin, letters) == len(data) - len(rest.lstrip(b"aAb"))
        else:
            for spans in (lambda *at, of=module: of.span(*at, letters), module.value_span,
                          module.query_span):  # fmt: skip
                with pytest.raises(IndexError):
                    spans(data, begin)
        if 0 <= begin <= end <= len(data):
            part = data[begin:end]
            assert module.same(data, begin, end, other) == (part == other)
            assert module.holds(data, begin, end, other) == (other in part)
        else:
            for look in (module.same, module.same_name, module.holds, module.mixed):
                with pytest.raises(IndexError):
                    look(data, begin, end, 0 if look == module.mixed else other)
            for look in (module.printable, module.escaped):
                with pytest.raises(IndexError):
                    look(data, begin, end)
        with pytest.raises(IndexError):
            module.span(data, 0, letters[1:])


_LONG = st.lists(
    st.sampled_from((b"a", b"%", b"+", b"\r", b"\t", b" ", b"#", b"~", b"\x7f", b"\x80", b"x" * 40))
).map(b"".join)


@given(_LONG, st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**64 - 1))
def test_what_is_looked_at_in_one_go_is_what_a_look_at_each_byte_tells(
    data: bytes, begin: int, end: int, before: int
) -> None:
    begin = min(begin, len(data))
    end = max(begin, min(end, len(data)))
    part = data[begin:end]
    in_value = [byte == 9 or 0x20 <= byte != 0x7F for byte in data[begin:]]
    in_query = [0x20 < byte < 0x7F and byte != 0x23 for byte in data[begin:]]
    for module in (scan, PLAIN["ingest.beacon.scan"]):
        assert module.value_span(data, begin) == begin + (*in_value, False).index(False)
        assert module.query_span(data, begin) == begin + (*in_query, False).index(False)
        assert module.printable(data, begin, end) == all(0x20 <= byte < 0x7F for byte in part)
        assert module.escaped(data, begin, end) == (b"%" in part or b"+" in part)
        assert module.mixed(data, begin, end, before) == scan.mixed(part, 0, len(part), before)
