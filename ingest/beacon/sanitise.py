"""Free text made harmless: no control characters, no mail addresses, not too long."""

import re
from typing import NamedTuple

EMAIL = "[email]"
"""What stands where something shaped like a mail address stood."""

_SPACE, _FOUR, _ZERO = b" 40"
_HARMLESS = bytes(_SPACE <= byte < 0x7F and byte not in b'@"\\' for byte in range(256))
"""By byte: not a control, not in what is shaped like a mail address, not escaped in JSON."""
_CONTROLS = dict.fromkeys((*range(32), 127))
_AT_SIGN = r"(?:[@\uff20\ufe6b]|%(?:25)*40)"
_AT = re.compile(_AT_SIGN)
_WORD = re.compile(rf'(?:"[^"]*"(?={_AT_SIGN}))?[^\s/?&=;:#<>()\[\]{{}}|,"\\]+')
"""Text between stops; in front of an at sign also one in quotes, in which anything may stand."""
_STOPS_AT_END = ".!\u3002"
_DOT = re.compile(r"[^.\u3002](?:[.\u3002\uff0e\uff61]|%(?:25)*2[eE])[^.\u3002]")
"""A dot of a domain, or what IDNA (RFC 5895, 2.3) takes for one."""


class Text(NamedTuple):
    """A cleaned text."""

    value: str
    truncated: bool


def clean(text: str, limit: int) -> Text:
    """Return text without controls and mail addresses, of at most `limit` characters."""
    text = without_mail(without_controls(text)).strip()
    if len(text) > limit:
        return Text(text[:limit].rstrip(), True)
    return tuple.__new__(Text, (text, False))  # as `Text(…)`, in a fifth of the time


def is_harmless(text: bytes, limit: int) -> bool:
    """Whether UTF-8 is certain to be left as it is by `clean`, as most is.

    Such a one is printable ASCII without `"` and backslashes.
    """
    size = len(text)
    if not 0 < size <= limit or text[0] == _SPACE or text[size - 1] == _SPACE:
        return False
    before = _SPACE
    for byte in text:
        if not _HARMLESS[byte] or (byte == _ZERO and before == _FOUR):  # `%40` is an at sign
            return False
        before = byte
    return True


def without_controls(text: str) -> str:
    """Remove the C0 controls and DEL. `isprintable` is the quick way out: 0.1 µs."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def without_mail(text: str) -> str:
    """Write `[email]` for anything shaped like a mail address, also percent-encoded ones.

    A word with an at sign inside and a dot behind it counts. Linear in the text's length, whatever
    a sender made long on purpose: each word is looked at once.
    """
    if "@" not in text and "40" not in text and text.isascii():
        return text
    if _AT.search(text) is None:
        return text
    return _WORD.sub(_without_mail, text)


def _without_mail(match: re.Match[str]) -> str:
    word = match[0]
    at = _AT.search(word, 1)
    if at is None:
        return word
    address = word.rstrip(_STOPS_AT_END)
    return EMAIL + word[len(address) :] if _DOT.search(address, at.end()) else word
