"""Looking at bytes where they stand: nothing is cut out of them. Compiled, by a pointer."""


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


def same(data: bytes, begin: int, end: int, other: bytes) -> bool:
    """Whether `data[begin:end]`, which must lie within `data`, is `other`."""
    if not 0 <= begin <= end <= len(data):
        raise IndexError("scan out of range")
    if end - begin != len(other):
        return False
    text, expected = data, other
    for at in range(end - begin):  # noqa: SIM110 (a generator is no loop in C)
        if text[begin + at] != expected[at]:
            return False
    return True


def same_name(data: bytes, begin: int, end: int, name: bytes) -> bool:
    """Whether the token (RFC 9110, 5.6.2) at `data[begin:end]` is `name` but for its case.

    `name` has small letters and hyphens only: in a token, no other byte becomes one by that bit.
    """
    if not 0 <= begin <= end <= len(data):
        raise IndexError("scan out of range")
    if end - begin != len(name):
        return False
    text, expected = data, name
    for at in range(end - begin):  # noqa: SIM110
        if text[begin + at] | 0x20 != expected[at]:
            return False
    return True


def holds(data: bytes, other: bytes) -> bool:
    """Whether `other` stands anywhere in `data`: `in` makes an exception and throws it away."""
    text, sought = data, other
    length = len(other)
    for begin in range(len(data) - length + 1):
        at = 0
        while at < length and text[begin + at] == sought[at]:
            at += 1
        if at == length:
            return True
    return False
