"""Percent-decoding of form data (WHATWG URL, application/x-www-form-urlencoded)."""

from ingest.beacon.cut import cut_buffer

_NO_DIGIT = 0xFF
_DIGITS = b"0123456789abcdef"
_HEX = bytes(
    _DIGITS.index(bytes((byte,)).lower()) if chr(byte) in "0123456789abcdefABCDEF" else _NO_DIGIT
    for byte in range(256)
)
"""The value of each byte as a hexadecimal digit."""
_PERCENT, _PLUS, _SPACE = b"%+ "
_SHORT = 2_048
_SCRATCH = bytearray(_SHORT)
"""Where what is short is decoded: an object less for each value."""


def decode(text: str) -> str:
    """Return `+` as a space and `%XX` decoded; bad UTF-8 becomes U+FFFD, a bad escape stays."""
    if "%" not in text and "+" not in text:
        return text
    return decode_bytes(text.encode())


def decode_bytes(raw: bytes) -> str:
    """Do the same with UTF-8."""
    return decoded(raw, 0, len(raw)).decode("utf-8", "replace")


def decoded(raw: bytes, begin: int, end: int) -> bytes:
    """Do the same with `raw[begin:end]`, and leave it as bytes. Raises `IndexError` as `cut`."""
    if not 0 <= begin <= end <= len(raw):
        raise IndexError("decoded out of range")
    scratch = _SCRATCH if end - begin <= _SHORT else bytearray(end - begin)
    text, out, digits = raw, scratch, _HEX
    at, to = begin, 0
    while at < end:
        byte = text[at]
        at += 1
        if byte > _PLUS:  # no letter or digit is one of the two, as one look tells
            pass
        elif byte == _PLUS:
            byte = _SPACE
        elif byte == _PERCENT and at + 1 < end:
            high, low = digits[text[at]], digits[text[at + 1]]
            if high < _NO_DIGIT and low < _NO_DIGIT:
                byte = 16 * high + low
                at += 2
        out[to] = byte
        to += 1
    return cut_buffer(scratch, to)
