"""Origins, written as browsers write them (RFC 6454, 6.2)."""

_OWS = b" \t"
_OWN_PORTS = ((b"http://", b":80"), (b"https://", b":443"))


def origin_of(url: bytes) -> bytes:
    """Return scheme and authority in lower case, without the port that the scheme implies."""
    scheme, separator, rest = url.strip(_OWS).lower().partition(b"://")
    authority = rest.partition(b"/")[0].partition(b"?")[0].partition(b"#")[0]
    origin = scheme + separator + authority
    for start, port in _OWN_PORTS:
        if origin.startswith(start):
            return origin.removesuffix(port)
    return origin
