"""Bytes found and copied by C's library: compiled modules take these functions from raw.pxd.

Without bounds: who calls them has checked those, as it does for every pointer.
"""


def find(data: bytes, at: int, end: int, byte: int) -> int:
    """Where in `data` the first `byte` of `data[at:end]` stands, or `end` if there is none."""
    found = data.find(byte, at, end)
    return end if found < 0 else found


def copy(out: bytearray, to: int, data: bytes, begin: int, size: int) -> None:
    """Write `data[begin : begin + size]` to `out[to : to + size]`."""
    out[to : to + size] = data[begin : begin + size]


def word(data: bytes, at: int) -> int:
    """The eight bytes from `at` on as an integer, the lowest first."""
    return int.from_bytes(data[at : at + 8], "little")


def taken(buffer: bytearray, end: int) -> bytes:
    """`buffer[:end]` as bytes."""
    return bytes(buffer[:end])
