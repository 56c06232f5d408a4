import re
from time import perf_counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.beacon.sanitise import EMAIL, clean, without_controls, without_mail

texts = st.text(st.characters(exclude_categories=("Cs",)))
mailish = st.lists(
    st.sampled_from(
        ["a", "john", "b.c", ".", "..", "@", "%40", "%2540", "%2e", " ", "/", "=", '"', "!", "＠"]
    )
).map("".join)
ADDRESSES = [
    "john@example.org",
    "John.Doe+tag@mail.example.co.uk",
    "john%40example.org",
    "john%2540example.org",
    "john%252540example%2Eorg",
    "john@example%2Eorg",
    "jöhn@exämple.org",
    "john＠example.org",
    "john@example。org",
    '"john.doe"@example.org',
    '"john doe"@example.org',
    "o'hara@example.org",
    "%22john%22@example.org",
    "a@b@example.org",
]
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9]+(?:@|＠|%(?:25)*40)[A-Za-z0-9]+\.[A-Za-z0-9]")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "around", ["{}", "to {} now", "/u/{}/x", "mail={}&y", "<{}>", "{}.", "({})"]
)
def test_a_mail_address_becomes_a_word(address: str, around: str) -> None:
    assert without_mail(around.format(address)) == around.format(EMAIL)


@pytest.mark.parametrize(
    "text",
    [
        "@user",
        "/@user/posts",
        "john@localhost",
        "5 @ 3.20 each",
        "a@.b",
        "@example.org",
        "40% of 1.5",
        "%40",
        "no at sign at all",
        "x@y",
        "ｗide but no ａddress",
    ],
)
def test_what_is_no_address_stays(text: str) -> None:
    assert without_mail(text) == text


def test_several_addresses_in_one_text() -> None:
    assert without_mail("a@b.cc, d%40e.ff; @g h@i") == "[email], [email]; @g h@i"


@given(mailish | texts)
@example("a@b.c.@d.e")
@example('"@"@"@a.b')
def test_no_address_is_left(text: str) -> None:
    assert not _PLAIN_ADDRESS.search(without_mail(text))


@given(mailish | texts)
def test_taking_addresses_out_twice_is_taking_them_out_once(text: str) -> None:
    once = without_mail(text)
    assert without_mail(once) == once


@given(texts)
def test_only_c0_controls_and_del_go(text: str) -> None:
    expected = "".join(char for char in text if ord(char) > 31 and ord(char) != 127)
    assert without_controls(text) == expected


@given(texts | mailish, st.integers(1, 40))
def test_a_cleaned_text_is_bounded_and_harmless(text: str, limit: int) -> None:
    value, truncated = clean(text, limit)
    assert len(value) <= limit
    assert without_controls(value) == value
    assert not _PLAIN_ADDRESS.search(value)
    assert truncated == (len(clean(text, 10_000).value) > limit)


@given(texts, st.integers(1, 40))
def test_cleaning_twice_is_cleaning_once(text: str, limit: int) -> None:
    once = clean(text, limit).value
    assert clean(once, limit).value == once


def test_length_counts_what_is_left_after_cleaning() -> None:
    assert clean(" \0 abc \x1f", 3) == ("abc", False)
    assert clean("abcd", 3) == ("abc", True)
    assert clean("\0\n ", 3) == ("", False)


@pytest.mark.parametrize(
    "piece",
    ["a@", "@", "%40", "a%2540", '"@', '"a"@', "a.", "@a.", "[email]", "a@b..", "%25", "@!"],
)
def test_hostile_texts_cost_time_in_proportion_to_their_length(piece: str) -> None:
    def best(repeats: int) -> float:
        text = piece * repeats
        times = []
        for _ in range(3):
            begun = perf_counter()
            without_mail(text)
            times.append(perf_counter() - begun)
        return min(times)

    # Eight times the text: 8 when linear, 64 when quadratic.
    assert best(16_000) < 30 * best(2_000) + 0.001
