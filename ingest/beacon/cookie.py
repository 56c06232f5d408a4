"""The pairs of a `Cookie` field, looked at where they stand."""

from ingest.beacon.scan import same, span

_SPACE, _TAB = b" \t"
_IN_PAIR = bytes(byte != 0x3B for byte in range(256))
_IS_OWS = bytes(byte in (_SPACE, _TAB) for byte in range(256))


def count(cookies: bytes, pair: bytes) -> int:
    """How many of the cookies are exactly `pair`, a name with its value.

    Cookies are split at `;` and nowhere else: quotes mean nothing (RFC 6265, 5.4), so that no
    other cookie can hide one.
    """
    found = begin = 0
    whole = len(cookies)
    while begin < whole:
        end = last = span(cookies, begin, _IN_PAIR)
        first = span(cookies, begin, _IS_OWS)
        while last > first and (cookies[last - 1] == _SPACE or cookies[last - 1] == _TAB):
            last -= 1
        found += same(cookies, first, last, pair)
        begin = end + 1
    return found
