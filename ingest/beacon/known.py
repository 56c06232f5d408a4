"""The header fields that we read ourselves: each has a number, and its name is told in place."""

from collections.abc import Iterable

from ingest.beacon.scan import same_name

NAMES = (
    b"host", b"connection", b"content-length", b"content-type", b"transfer-encoding", b"expect",
    b"upgrade", b"cookie", b"sec-gpc", b"dnt", b"sec-purpose", b"purpose", b"sec-fetch-dest",
    b"sec-fetch-storage-access", b"x-forwarded-for", b"x-forwarded-proto", b"forwarded",
    b"user-agent", b"accept-language", b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform",
    b"origin", b"referer", b"content-encoding",
)  # fmt: skip
"""In lower case, by number. Any other field is found by `RequestHead.all` alone."""
(
    HOST, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, EXPECT,
    UPGRADE, COOKIE, SEC_GPC, DNT, SEC_PURPOSE, PURPOSE, SEC_FETCH_DEST,
    SEC_FETCH_STORAGE_ACCESS, X_FORWARDED_FOR, X_FORWARDED_PROTO, FORWARDED,
    USER_AGENT, ACCEPT_LANGUAGE, SEC_CH_UA, SEC_CH_UA_MOBILE, SEC_CH_UA_PLATFORM,
    ORIGIN, REFERER, CONTENT_ENCODING,
) = range(len(NAMES))  # fmt: skip
UNKNOWN = -1
_NONE = 0xFF
_NUMBERS = {name: number for number, name in enumerate(NAMES)}


def number_of(name: bytes) -> int:
    """The number of a name in lower case, or `UNKNOWN`."""
    return _NUMBERS.get(name, UNKNOWN)


def mask(numbers: Iterable[int]) -> int:
    """A bit for each of the fields."""
    bits = 0
    for number in numbers:
        bits |= 1 << number
    return bits


def _slot(length: int, first: int, last: int, factor: int) -> int:
    """Where a name may stand in the table; letters of either case give the same."""
    return (length * factor + ((first & 0x1F) << 3) + (last & 0x1F)) & 0xFF


def _slots() -> tuple[int, bytes]:
    """A factor by which no two names fall into the same slot, and the table of their numbers."""
    for factor in range(256):
        slots = [_slot(len(name), name[0], name[-1], factor) for name in NAMES]
        if len(set(slots)) == len(slots):
            table = bytearray([_NONE]) * 256
            for number, slot in enumerate(slots):
                table[slot] = number
            return factor, bytes(table)
    raise AssertionError("two known names cannot be told apart by length, first and last byte")


_FACTOR, _TABLE = _slots()
_NAMES = NAMES  # C's, where the other is Python's


def recognise(data: bytes, begin: int, end: int) -> int:
    """The number of the field whose name, a token, is `data[begin:end]`, or `UNKNOWN`."""
    if begin >= end:
        return UNKNOWN
    number = _TABLE[_slot(end - begin, data[begin], data[end - 1], _FACTOR)]
    if number == _NONE or not same_name(data, begin, end, _NAMES[number]):
        return UNKNOWN
    return number
