import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.site import NAME_PATTERN, SITE_PATTERN, event_name, site_name


@pytest.mark.parametrize(
    "good", ["a", "0", "example", "Example.ORG", "a-b_c.d", "a" * 64, "9-", "x..y"]
)
def test_a_good_site_is_lowered(good: str) -> None:
    assert site_name(good) == good.lower()


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        " a",
        "a ",
        "-a",
        ".a",
        "_a",
        "a" * 65,
        "a/b",
        "a b",
        "a\n",
        "a\x00",
        "é",
        "٣",
        "ａ",
        "K",
        1,
        1.0,
        True,
        ["a"],
        {"a": 1},
        b"a",
    ],
    ids=repr,
)
def test_a_bad_site_is_none(bad: object) -> None:
    assert site_name(bad) is None


@pytest.mark.parametrize(
    "good", ["pageview", "heartbeat", "copy", "leave", "a", "sign_up2", "a" * 40]
)
def test_a_good_name_stays(good: str) -> None:
    assert event_name(good) == good


def test_no_name_is_a_pageview() -> None:
    assert event_name(None) == "pageview"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "Pageview",
        "1a",
        "_a",
        "a" * 41,
        "a-b",
        "a.b",
        "a b",
        "a\n",
        "é",
        "a٣",
        "İ",
        0,
        1,
        False,
        ["copy"],
        {},
    ],
    ids=repr,
)
def test_a_bad_name_is_none(bad: object) -> None:
    assert event_name(bad) is None


@given(st.from_regex(re.compile(SITE_PATTERN), fullmatch=True))
def test_whatever_fits_the_pattern_is_a_site(text: str) -> None:
    assert site_name(text) == text.lower()


@given(st.text())
def test_any_text_is_good_or_none(text: str) -> None:
    assert (site_name(text) is None) == (re.fullmatch(SITE_PATTERN, text) is None)
    assert event_name(text) == (text if re.fullmatch(NAME_PATTERN, text) else None)
