from urllib.parse import quote_plus, urlencode

from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.fields import BADGE_NAMES, PIXEL_NAMES
from ingest.beacon.query import Given, read_query

texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
shorts = st.sampled_from(sorted(PIXEL_NAMES))
queries = st.binary().map(lambda raw: bytes(0x21 + byte % 0x5E for byte in raw))


def read(query: bytes) -> dict[str, object]:
    return dict(read_query(query, PIXEL_NAMES).values)


@given(st.dictionaries(shorts, texts))
def test_what_a_page_encodes_is_read_by_long_names(fields: dict[str, str]) -> None:
    given_ = read_query(urlencode(fields).encode(), PIXEL_NAMES)
    assert given_ == Given({PIXEL_NAMES[short]: text for short, text in fields.items()}, 0)


@given(st.lists(st.tuples(shorts, texts)))
def test_of_a_repeated_parameter_the_first_counts(pairs: list[tuple[str, str]]) -> None:
    expected: dict[str, str] = {}
    for short, text in pairs:
        expected.setdefault(PIXEL_NAMES[short], text)
    assert read(urlencode(pairs).encode()) == expected


@given(queries)
def test_any_query_is_read_into_known_names_and_whole_texts(query: bytes) -> None:
    values, unknown = read_query(query, PIXEL_NAMES)
    assert set(values) <= set(PIXEL_NAMES.values())
    assert all(isinstance(value, str) and value for value in values.values())
    assert 0 <= unknown <= query.count(b"&") + 1


def test_an_empty_parameter_is_absent() -> None:
    assert read(b"s=&t&u=x") == {"url": "x"}


def test_an_empty_first_parameter_is_still_the_first() -> None:
    assert read(b"s=&s=example") == {}


def test_unknown_parameters_are_counted_and_empty_pairs_are_not() -> None:
    assert read_query(b"s=a&&x=1&y&=z&site=b", PIXEL_NAMES) == Given({"site": "a"}, 3)


def test_long_names_are_unknown_in_a_query() -> None:
    assert read(b"site=example&url=x") == {}


def test_props_are_unknown_in_a_query() -> None:
    assert read_query(b"props=x", PIXEL_NAMES) == Given({}, 1)


def test_an_encoded_name_is_the_name() -> None:
    assert read(b"%73=example&s=other") == {"site": "example"}


def test_only_the_first_equals_sign_parts_name_and_value() -> None:
    assert read(b"u=a=b==") == {"url": "a=b=="}


def test_semicolons_part_nothing() -> None:
    assert read(b"s=a;u=b") == {"site": "a;u=b"}


def test_plus_is_a_space_and_bad_utf8_a_replacement_character() -> None:
    assert read(b"t=a+b%FF") == {"title": "a b\ufffd"}


def test_a_badge_takes_its_own_parameters_only() -> None:
    query = b"u=1&r=2&t=3&style=dark&ping=0&s=x&sw=4&id=5"
    assert read_query(query, BADGE_NAMES) == Given(
        {"url": "1", "referrer": "2", "title": "3", "style": "dark", "ping": "0"}, 3
    )


@given(shorts, texts)
def test_every_byte_of_a_name_may_be_encoded(short: str, text: str) -> None:
    name = "".join(f"%{ord(letter):02X}" for letter in short)
    assert read(f"{name}={quote_plus(text)}".encode()) == {PIXEL_NAMES[short]: text}
