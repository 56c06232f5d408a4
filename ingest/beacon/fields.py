"""Every field of a ping, once: long name, short name, what values are good.

The table in `docs/sending.md` is made from `FIELDS`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ingest.beacon.sanitise import clean

TITLE_LIMIT = 512
"""Characters of a title at most."""
MAX_AGE_MS = 86_400_000
"""Milliseconds between an event and its sending at most: one day."""
MAX_PROPS = 10
PROP_NAME_LIMIT = 64
PROP_VALUE_LIMIT = 256
_REMEMBERED = 1_000
_SHORT = 64
"""Characters of a value that is remembered at most."""
_MAX_PIXELS = 32_767
_MAX_COPIED = 10_000_000
_MAX_SECONDS = 86_400

_LONGEST_PAGE_ID = 32
_IN_PAGE_ID = bytes(byte < 128 and (chr(byte).isalnum() or byte in b"_-") for byte in range(256))
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8}){0,4}")
_TIMEZONE = re.compile(
    r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,32}){0,2}"
    r"|[+-][0-9]{2}:[0-9]{2}"  # browsers name a zone so when the system has only an offset
)
_LONGEST_NUMBER = 18
_DECIMAL = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)

Reader = Callable[[object], object]
"""Returns the value to be stored, or None when it is bad."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a ping may give."""

    name: str
    """In JSON and in the event, but for `age_ms`, `event_id` and `name`."""
    short: str
    """In query strings, and in JSON too; empty where there is none."""
    takes: str
    """What values are good, in words."""
    read: Reader | None = None
    """Checks the value; None where the field is looked at by itself."""
    bounds: tuple[int, int] | None = None
    """Whole numbers from the first to the second are good."""


def _matching(pattern: re.Pattern[str]) -> Reader:
    # What is remembered is short: a language, a time zone. Matching takes five times as long.
    good = lru_cache(_REMEMBERED)(pattern.fullmatch)

    def read(value: object) -> object:
        if not isinstance(value, str):
            return None
        matches = good if len(value) <= _SHORT else pattern.fullmatch
        return value if matches(value) else None

    return read


def _page_id(value: object) -> object:
    return value if isinstance(value, str) and is_page_id(value.encode()) else None


def is_page_id(text: bytes) -> bool:
    """Whether UTF-8 is a page view's name."""
    if not 0 < len(text) <= _LONGEST_PAGE_ID:
        return False
    for byte in text:  # noqa: SIM110 (a loop over bytes is C, a generator is not)
        if not _IN_PAGE_ID[byte]:
            return False
    return True


def _integer(low: int, high: int) -> Reader:
    def read(value: object) -> object:
        if isinstance(value, str) and _is_number(value):
            value = int(value)
        if type(value) is int and low <= value <= high:
            return value
        return None

    return read


def _is_number(text: str) -> bool:
    return len(text) <= _LONGEST_NUMBER and text.isdigit() and text.isascii()


def _seconds(value: object) -> object:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    if type(value) not in (int, float) or not 0 <= value <= _MAX_SECONDS:  # type: ignore[operator]
        return None
    rounded = round(value, 3)  # type: ignore[call-overload]
    return int(rounded) if rounded == int(rounded) else rounded


_PIXELS = (1, _MAX_PIXELS)
_COPIED = (0, _MAX_COPIED)
_SECONDS = (0, _MAX_SECONDS)
_AGE = (0, MAX_AGE_MS)
_PIXELS_TEXT = f"an integer from 1 to {_MAX_PIXELS:,}"

FIELDS: Final = (
    Field("site", "s", "the site's name: a letter or digit, then up to 63 of `A-Z a-z 0-9 . _ -`; "
          "required"),
    Field("name", "e", "`pageview` (default), `heartbeat`, `copy`, `leave`, or a name of your own: "
          "`a-z`, then up to 39 of `a-z 0-9 _`"),
    Field("event_id", "id", "a UUID, the same for a retry; ours when missing"),
    Field("url", "u", "the page's address, absolute http or https"),
    Field("referrer", "r", "the address of the page before it"),
    Field("title", "t", f"the page's title, {TITLE_LIMIT} characters"),
    Field("page_id", "p", "random, one for each page view: up to 32 of `A-Z a-z 0-9 _ -`",
          _page_id),
    Field("screen_width", "sw", _PIXELS_TEXT, _integer(*_PIXELS), _PIXELS),
    Field("screen_height", "sh", _PIXELS_TEXT, _integer(*_PIXELS), _PIXELS),
    Field("viewport_width", "vw", _PIXELS_TEXT, _integer(*_PIXELS), _PIXELS),
    Field("viewport_height", "vh", _PIXELS_TEXT, _integer(*_PIXELS), _PIXELS),
    Field("language", "lang", "a language tag such as `en-GB`", _matching(_LANGUAGE)),
    Field("timezone", "tz", "a time zone's name such as `Europe/Paris`", _matching(_TIMEZONE)),
    Field("engaged_seconds", "d", "seconds that the page was seen since its previous event, "
          f"0 to {_MAX_SECONDS:,}, decimals allowed", _seconds, _SECONDS),
    Field("copied_characters", "n", f"an integer from 0 to {_MAX_COPIED:,}",
          _integer(*_COPIED), _COPIED),
    Field("age_ms", "age", f"milliseconds since the event happened, 0 to {MAX_AGE_MS:,}",
          _integer(*_AGE), _AGE),
    Field("widget", "w", "`pro` for the Pro widget"),
    Field("props", "", f"JSON only: up to {MAX_PROPS} pairs of strings, {PROP_NAME_LIMIT} and "
          f"{PROP_VALUE_LIMIT} characters"),
)  # fmt: skip

JSON_NAMES: Final[Mapping[str, str]] = {
    key: field.name for field in FIELDS for key in (field.name, field.short) if key
}
PIXEL_NAMES: Final[Mapping[str, str]] = {field.short: field.name for field in FIELDS if field.short}
BADGE_NAMES: Final[Mapping[str, str]] = {
    short: PIXEL_NAMES.get(short, short)
    for short in ("u", "r", "t", "style", "label", "color", "ping")
}
"""A badge's own parameters; its site stands in the path."""

NUMBER: Final[Mapping[str, int]] = {field.name: number for number, field in enumerate(FIELDS)}
"""Where a field's value stands in the list of a ping's values."""
SHORT_NAMES: Final = tuple(field.short for field in FIELDS)
read_age: Final = _integer(*_AGE)


def as_text(value: object) -> object:
    """Return a value as the rules take it: UTF-8, which a query gives, as a text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def by_number(given: Mapping[str, object]) -> list[object]:
    """Return the values in the order of `FIELDS`; None where there is none."""
    values: list[object] = [None] * len(FIELDS)
    for name, value in given.items():
        number = NUMBER.get(name)
        if number is not None:
            values[number] = value
    return values


def read_props(value: object) -> tuple[dict[str, str], bool]:
    """Return the good pairs of `props`, and whether any was bad."""
    if not isinstance(value, dict):
        return {}, True
    props: dict[str, str] = {}
    bad = False
    for name, text in value.items():
        pair = _prop(name, text)
        if pair is None or (pair[1] and len(props) == MAX_PROPS):
            bad = True
        elif pair[1]:
            props[pair[0]] = pair[1]
    return props, bad


def _prop(name: object, text: object) -> tuple[str, str] | None:
    if not isinstance(name, str) or not isinstance(text, str):
        return None
    name_cut, text_cut = clean(name, PROP_NAME_LIMIT), clean(text, PROP_VALUE_LIMIT)
    if not name_cut.value or name_cut.truncated or text_cut.truncated:
        return None
    return name_cut.value, text_cut.value
