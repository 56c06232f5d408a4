from urllib.parse import quote, unquote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.beacon.percent import decode

visible_ascii = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E))
escapes = st.lists(
    st.one_of(
        visible_ascii,
        st.integers(0, 255).map("%{:02x}".format),
        st.integers(0, 255).map("%{:02X}".format),
        st.sampled_from(
            ["%", "%%", "%4", "%G0", "%0g", "+", "%2B", "%25", "%F0%9F%98", "%ED%A0%80"]
        ),
    )
).map("".join)


@given(escapes)
@example("%")
@example("%4")
@example("a%zzb%")
@example("%e2%82%ac%e2%82")
@example("%C0%80%FF")
def test_decoding_agrees_with_the_standard_library(text: str) -> None:
    assert decode(text) == unquote_plus(text, errors="replace")


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_what_a_browser_encodes_comes_back(text: str) -> None:
    assert decode(quote(text, safe="")) == text


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("a+b", "a b"),
        ("a%2Bb", "a+b"),
        ("%C3%A9", "é"),
        ("%E9", "\ufffd"),
        ("%ED%A0%80", "\ufffd\ufffd\ufffd"),
        ("%u0041", "%u0041"),
        ("100%", "100%"),
        ("%00", "\0"),
        ("%2541", "%41"),
    ],
)
def test_known_texts_are_decoded(text: str, decoded: str) -> None:
    assert decode(text) == decoded
