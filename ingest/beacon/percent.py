"""Percent-decoding of form data (WHATWG URL, application/x-www-form-urlencoded)."""

_NO_DIGIT = 0xFF
_DIGITS = b"0123456789abcdef"
_HEX = bytes(
    _DIGITS.index(bytes((byte,)).lower()) if chr(byte) in "0123456789abcdefABCDEF" else _NO_DIGIT
    for byte in range(256)
)
"""The value of each byte as a hexadecimal digit."""
_PERCENT, _PLUS, _SPACE = b"%+ "


def decode(text: str) -> str:
    """Return `+` as a space and `%XX` decoded; bad UTF-8 becomes U+FFFD, a bad escape stays."""
    if "%" not in text and "+" not in text:
        return text
    return decode_bytes(text.encode())


def decode_bytes(raw: bytes) -> str:
    """Do the same with UTF-8."""
    size = len(raw)
    decoded = bytearray(size)
    at = to = 0
    while at < size:
        byte = raw[at]
        at += 1
        if byte == _PLUS:
            byte = _SPACE
        elif byte == _PERCENT and at + 1 < size:
            high, low = _HEX[raw[at]], _HEX[raw[at + 1]]
            if high < _NO_DIGIT and low < _NO_DIGIT:
                byte = 16 * high + low
                at += 2
        decoded[to] = byte
        to += 1
    return decoded[:to].decode("utf-8", "replace")
