"""The pairs of a `Cookie` field, looked at where they stand."""

from ingest.beacon import raw
from ingest.beacon.scan import same

_SPACE, _TAB, _SEMICOLON = b" \t;"


def count(text: bytes, begin: int, end: int, pair: bytes) -> int:
    """How many of the cookies in `text[begin:end]` are exactly `pair`, a name with its value.

    Cookies are split at `;` and nowhere else: quotes mean nothing (RFC 6265, 5.4), so that no
    other cookie can hide one. Raises `IndexError` where they do not lie within `text`.
    """
    if not 0 <= begin <= end <= len(text):
        raise IndexError("cookies out of range")
    found = 0
    while begin < end:
        stop = last = raw.find(text, begin, end, _SEMICOLON)
        while begin < last and (text[begin] == _SPACE or text[begin] == _TAB):
            begin += 1
        while last > begin and (text[last - 1] == _SPACE or text[last - 1] == _TAB):
            last -= 1
        found += same(text, begin, last, pair)
        begin = stop + 1
    return found
