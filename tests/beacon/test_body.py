import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.body import MAX_ITEMS, BadBody, Body, read_body, read_object
from ingest.beacon.fields import FIELDS, JSON_NAMES
from ingest.beacon.query import Given

texts = st.text(st.characters(exclude_categories=("Cs",)))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
).filter(lambda value: "Infinity" not in json.dumps(value))
keys = st.sampled_from(sorted(JSON_NAMES)) | texts


@given(st.dictionaries(keys, values))
def test_an_object_is_one_item(value: dict[str, object]) -> None:
    assert read_body(json.dumps(value).encode()) == Body([value], False)
    assert read_body(json.dumps(value, ensure_ascii=False).encode()) == Body([value], False)


@given(st.lists(values, min_size=1, max_size=5))
def test_an_array_is_its_items_whatever_they_are(value: list[object]) -> None:
    assert read_body(json.dumps(value).encode()) == Body(value, True)


@pytest.mark.parametrize("count", [1, 99, MAX_ITEMS])
def test_an_array_may_have_up_to_a_hundred_items(count: int) -> None:
    assert len(read_body(json.dumps([{}] * count).encode()).items) == count


@pytest.mark.parametrize("count", [101, 1_000])
def test_a_longer_array_is_bad_as_a_whole(count: int) -> None:
    with pytest.raises(BadBody, match=f"has {count} items; 100 are allowed"):
        read_body(json.dumps([{}] * count).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"[]",
        b"null",
        b"true",
        b"1",
        b'"text"',
        b"{",
        b"[{}",
        b"{}{}",
        b"{},",
        b"{'site':'a'}",
        b'{"site":"a",}',
        b'{"site":NaN}',
        b'{"site":Infinity}',
        b'{"n":1e400}',
        b'{"n":-1e400}',
        b'{"n":01}',
        b'{"n":+1}',
        b'{"n":.5}',
        b'\xef\xbb\xbf{"site":"a"}',
        b"\xff\xfe{\x00}\x00",
        b'{"site":"\xff"}',
        b'{"site":"\xed\xa0\x80"}',
        b'{"site":"\\ud800"}',
        b'{"site":"\\udc00\\ud800"}',
        b'{"\\ud800":1}',
        b'{"site":"a\x00"}',
        b'{"site":"a\n"}',
        b"\x00",
        b"// comment\n{}",
        b"[" * 60_000,
        b"[" * 30_000 + b"]" * 30_000,
        b'{"props":' * 5_000 + b"1" + b"}" * 5_000,
        b"s=example&e=pageview",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_json_object_or_array_is_bad_as_a_whole(body: bytes) -> None:
    with pytest.raises(BadBody) as caught:
        read_body(body)
    assert caught.value.__cause__ is None, "orjson's message may quote the body"


@given(st.binary())
def test_any_bytes_are_items_or_bad(body: bytes) -> None:
    try:
        found = read_body(body)
    except BadBody:
        return
    assert 1 <= len(found.items) <= MAX_ITEMS


@given(st.binary(min_size=1))
def test_the_reason_says_nothing_of_the_body(body: bytes) -> None:
    known = "the body is not valid JSON in UTF-8"
    with pytest.raises(BadBody, match=f"^{known}$"):
        read_body(b'"' + body.replace(b'"', b"") + b"}")


def test_of_a_repeated_key_the_last_counts() -> None:
    item = read_body(b'{"site":"a","site":"b"}').items[0]
    assert item == {"site": "b"}


def test_moderate_nesting_is_read() -> None:
    assert read_body(b'{"props":' + b"[" * 100 + b"]" * 100 + b"}").array is False


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
@pytest.mark.parametrize("order", ["short first", "long first"])
def test_the_long_name_wins(field: object, order: str) -> None:
    name, short = field.name, field.short  # type: ignore[attr-defined]
    pairs = [(name, "long"), (short, "short")] if short else [(name, "long")]
    if order == "short first":
        pairs.reverse()
    assert read_object(dict(pairs), JSON_NAMES) == Given({name: "long"}, 0)
    if short:
        assert read_object({short: "short"}, JSON_NAMES) == Given({name: "short"}, 0)


@pytest.mark.parametrize("empty", ["", None])
def test_what_is_empty_is_absent(empty: object) -> None:
    assert read_object({"site": empty, "t": empty}, JSON_NAMES) == Given({}, 0)
    assert read_object({"site": empty, "s": "a"}, JSON_NAMES) == Given({"site": "a"}, 0)
    assert read_object({"s": "a", "site": empty}, JSON_NAMES) == Given({"site": "a"}, 0)


@given(st.dictionaries(keys, values))
def test_known_names_are_read_and_others_counted(value: dict[str, object]) -> None:
    found = read_object(value, JSON_NAMES)
    assert found.unknown == sum(key not in JSON_NAMES for key in value)
    for name, content in found.values.items():
        assert content not in ("", None)
        assert any(JSON_NAMES.get(key) == name and value[key] == content for key in value)


def test_zero_and_false_are_not_empty() -> None:
    given_ = read_object({"n": 0, "d": 0.0, "title": False, "props": {}}, JSON_NAMES)
    assert given_.values == {
        "copied_characters": 0, "engaged_seconds": 0.0, "title": False, "props": {},
    }  # fmt: skip
