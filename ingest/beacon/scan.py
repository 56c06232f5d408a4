# distutils: extra_compile_args = -O3
"""Looking at bytes where they stand: nothing is cut out of them. Compiled, by a pointer.

A loop without a way out in the middle is made to take 16 bytes at a time by the compiler: where
nearly all is good it pays to look at all first, and to find the place only where something is odd.
"""

from ingest.beacon import raw

_TAB, _CR, _SPACE, _TILDE, _DELETE, _HASH, _PERCENT, _PLUS = b"\t\r ~\x7f#%+"
_IN_VALUE = bytes(byte == _TAB or _SPACE <= byte != _DELETE for byte in range(256))
"""RFC 9110, 5.5: whether a byte may stand in a field's value."""
_IN_QUERY = bytes(_SPACE < byte <= _TILDE and byte != _HASH for byte in range(256))
"""Whether a byte may stand in a target, and so in a query."""
_GOLDEN = 0x9E37_79B9_7F4A_7C15
"""2⁶⁴ by the golden ratio."""
_ALL = 0xFFFF_FFFF_FFFF_FFFF


def span(data: bytes, at: int, allowed: bytes) -> int:
    """Where from `at` on the first byte stands that `allowed`, a table of 256, has no 1 for.

    The end of `data` if all are allowed. Raises `IndexError` for an `at` that is not in it.
    """
    end = len(data)
    if not 0 <= at <= end or len(allowed) != 256:
        raise IndexError("scan out of range")
    text, table = data, allowed
    while at < end and table[text[at]]:
        at += 1
    return at


def value_span(data: bytes, at: int) -> int:
    """Where from `at` on the first byte stands that no field's value may have (RFC 9110, 5.5).

    The end of `data` if there is none. Raises `IndexError` for an `at` that is not in it.
    """
    end = len(data)
    if not 0 <= at <= end:
        raise IndexError("scan out of range")
    text, table, line_end = data, _IN_VALUE, raw.find(data, at, end, _CR)
    odd = 0
    for spot in range(at, line_end):  # mostly nothing is odd, and this is the end
        odd |= (text[spot] < _SPACE) | (text[spot] == _DELETE)
    if not odd:
        return line_end
    while at < end and table[text[at]]:
        at += 1
    return at


def query_span(data: bytes, at: int) -> int:
    """Where from `at` on the first byte stands that a query may not have: not visible, or `#`.

    The end of `data` if there is none. Raises `IndexError` for an `at` that is not in it.
    """
    end = len(data)
    if not 0 <= at <= end:
        raise IndexError("scan out of range")
    text, table, space = data, _IN_QUERY, raw.find(data, at, end, _SPACE)
    odd = 0
    for spot in range(at, space):
        odd |= (text[spot] < _SPACE) | (text[spot] > _TILDE) | (text[spot] == _HASH)
    if not odd:
        return space
    while at < end and table[text[at]]:
        at += 1
    return at


def same(data: bytes, begin: int, end: int, other: bytes) -> bool:
    """Whether `data[begin:end]`, which must lie within `data`, is `other`."""
    if not 0 <= begin <= end <= len(data):
        raise IndexError("scan out of range")
    if end - begin != len(other):
        return False
    text, expected = data, other
    odd = 0
    for at in range(end - begin):
        odd |= text[begin + at] ^ expected[at]
    return not odd


def same_name(data: bytes, begin: int, end: int, name: bytes) -> bool:
    """Whether the token (RFC 9110, 5.6.2) at `data[begin:end]` is `name` but for its case.

    `name` has small letters and hyphens only: in a token, no other byte becomes one by that bit.
    """
    if not 0 <= begin <= end <= len(data):
        raise IndexError("scan out of range")
    if end - begin != len(name):
        return False
    text, expected = data, name
    odd = 0
    for at in range(end - begin):
        odd |= (text[begin + at] | 0x20) ^ expected[at]
    return not odd


def printable(data: bytes, begin: int, end: int) -> bool:
    """Whether all of `data[begin:end]`, which must lie within `data`, is printable ASCII."""
    if not 0 <= begin <= end <= len(data):
        raise IndexError("scan out of range")
    text = data
    odd = 0
    for at in range(begin, end):
        odd |= (text[at] < _SPACE) | (text[at] > _TILDE)
    return not odd


def escaped(data: bytes, begin: int, end: int) -> bool:
    """Whether `data[begin:end]`, which must lie within `data`, has a `%` or a `+`."""
    if not 0 <= begin <= end <= len(data):
        raise IndexError("scan out of range")
    text = data
    odd = 0
    for at in range(begin, end):
        odd |= (text[at] == _PERCENT) | (text[at] == _PLUS)
    return odd != 0


def holds(data: bytes, begin: int, end: int, other: bytes) -> bool:
    """Whether `other` stands anywhere in `data[begin:end]`, which must lie within `data`.

    `in` makes an exception and throws it away.
    """
    if not 0 <= begin <= end <= len(data):
        raise IndexError("scan out of range")
    text, sought = data, other
    length = len(other)
    for start in range(begin, end - length + 1):
        at = 0
        while at < length and text[start + at] == sought[at]:
            at += 1
        if at == length:
            return True
    return False


def mixed(data: bytes, begin: int, end: int, before: int) -> int:
    """64 bits that hang on all of `data[begin:end]`, and on `before`: what a table's places go by.

    Not for secrets, and whoever wants to finds others with the same.
    """
    if not 0 <= begin <= end <= len(data):
        raise IndexError("scan out of range")
    bits, at = before ^ (end - begin), begin
    while at + 8 <= end:
        bits = _spread(bits ^ raw.word(data, at))
        at += 8
    text, rest = data, 0
    while at < end:
        rest = rest << 8 | text[at]
        at += 1
    return _spread(bits ^ rest)


def _spread(bits: int) -> int:
    """Let each bit have a say in the upper ones: Knuth's multiplicative hashing (TAOCP 3, 6.4)."""
    bits = bits * _GOLDEN & _ALL
    return bits ^ bits >> 32
