"""Client addresses: the only module that sees one, and what leaves it is a network's address.

IPv4 keeps 24 bits and IPv6 keeps 48. An IPv6 address that carries an IPv4 address (mapped: RFC
4291, 2.5.5.2; 6to4: RFC 3056; NAT64: RFC 6052, 2.1) counts as that IPv4 address, since 48 bits of
it could hold more than 24 bits of the client. No address is cached or logged here.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import AF_INET6, inet_ntop, inet_pton

from ingest.beacon.cut import cut_text
from ingest.beacon.hit import Peer, RequestHead
from ingest.beacon.known import FORWARDED, X_FORWARDED_FOR, X_FORWARDED_PROTO
from ingest.beacon.scan import same

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

_V4_AND_PORT = re.compile(r"([0-9.]{7,15}):[0-9]{1,5}").fullmatch
_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::[0-9]{1,5})?").fullmatch
_OWS = " \t"
_LONGEST = 100  # the longest IPv6 text with a zone id, brackets and a port has 80
_COLON, _DOT, _ZERO, _NINE = b":.09"
_HEX = bytes(byte in b"0123456789abcdef" for byte in range(256))
"""Whether a byte is a hexadecimal digit as RFC 5952 has them."""
_HOPS = 64  # more than any honest request has: who stands beyond them is unknown

_V4_BITS = 0xFFFF_FFFF
_V6_KEPT = 6
"""Bytes of an IPv6 address that are kept."""
_V6_ZEROED = bytes(16 - _V6_KEPT)
_NAT64 = 0x0064_FF9B << 96
_MAY_CARRY = (b"\x20\x02", b"\0\0\0\0\0\0", b"\0\x64\xff\x9b")
"""What addresses begin with that may carry an IPv4 address."""
_MAPPED = IPv6Network("::ffff:0:0/96")

# Possessive, so that a hostile value costs linear time.
_PAIR = re.compile(
    r"[ \t]*+(?:([!#$%&'*+.^_`|~0-9A-Za-z-]++)="
    r'(?:"((?:[^"\\]|\\.)*)"|([^"\s;,]*+))[ \t]*+)?(?:;|\Z)'
).match
_ESCAPED = re.compile(r"\\(.)")


def anonymise(address: str) -> str:
    """Return the network's address of a client address: `192.0.2.0`, `2001:db8:1::` (RFC 5952).

    Takes a port, brackets, a zone id and spaces around. Anything else gives the empty string.
    Plain addresses take short ways.
    """
    raw = address.encode("utf-8", "surrogatepass")
    return _plain_network(raw, 0, len(raw)) or _plain_ipv6(address) or parsed_network(address)


def _plain_network(text: bytes, begin: int, end: int) -> str:
    """The network of `text[begin:end]` where that is plain at a glance, cut out of it; or ""."""
    cut_at = _last_dot(text, begin, end)
    if cut_at > 0:
        return cut_text(text, begin, cut_at) + ".0"
    cut_at = _third_group(text, begin, end)
    if (
        cut_at == 0
        or same(text, begin, begin + 5, b"2002:")
        or same(text, begin, begin + 3, b"64:")
    ):
        return ""
    return cut_text(text, begin, cut_at) + "::"


def parsed_network(address: str) -> str:
    """The rule itself, for any form of address: `anonymise` without its short ways."""
    parsed = _parse(address)
    return "" if parsed is None else _network(parsed)


def _plain_ipv6(address: str) -> str:
    """The network of an IPv6 address by itself that carries no IPv4 address; else nothing."""
    if ":" not in address or len(address) > _LONGEST:
        return ""
    try:
        number = inet_pton(AF_INET6, address)
    except (OSError, ValueError):
        return ""
    return "" if number.startswith(_MAY_CARRY) else _ipv6_text(number)


def _third_group(text: bytes, begin: int, end: int) -> int:
    """Where in `text` the third group ends of an IPv6 address in `text[begin:end]`; else 0.

    And 0 unless its first three groups are written as RFC 5952 does and none is zero, so that they
    and `::` are the network, and for forms that are seldom: `_plain_ipv6` sees to them.
    """
    groups = digits = kept = first = 0
    gap = False
    for at in range(begin, end):
        byte = text[at]
        if byte == _COLON and digits > 0:
            groups += 1
            if groups <= 3:
                if first == _ZERO:
                    return 0
                kept = at
            digits = 0
        elif byte == _COLON:
            if gap or groups < 3:
                return 0
            gap = True
        elif _HEX[byte] and digits < 4:
            if digits == 0:
                first = byte
            digits += 1
        else:
            return 0
    if digits == 0:
        return 0
    return kept if (groups < 7 and gap) or (groups == 7 and not gap) else 0


def _last_dot(text: bytes, begin: int, end: int) -> int:
    """Where in `text` the last dot stands of four numbers in `text[begin:end]`; else 0.

    The numbers are from 0 to 255, without leading zeros.
    """
    dots = dot = digits = number = 0
    for at in range(begin, end):
        byte = text[at]
        if _ZERO <= byte <= _NINE:
            if digits > 0 and number == 0:
                return 0
            number = 10 * number + byte - _ZERO
            digits += 1
            if number > 255:
                return 0
        elif byte == _DOT and digits > 0:
            dots += 1
            dot, digits, number = at, 0, 0
        else:
            return 0
    return dot if dots == 3 and digits > 0 else 0


class TrustedProxies:
    """Tells the client's network behind proxies whose headers are believed.

    A trusted proxy must set or extend `X-Forwarded-For` (or `Forwarded`) itself: one that passes
    on what the client sent lets the client choose its network.
    """

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        unmapped = [_unmapped(network) for network in networks]
        self._v4 = tuple(n for n in unmapped if isinstance(n, IPv4Network))
        self._v6 = tuple(n for n in unmapped if isinstance(n, IPv6Network))

    def peer(self, address: str) -> Peer:
        """Return what is kept of a connection's other end; call it once a connection."""
        parsed = _parse(address)
        if parsed is None:
            return Peer("", False)
        return Peer(_network(parsed), self._trusts(parsed))

    def client(self, peer: Peer, head: RequestHead) -> str:
        """Return the client's network; empty when it cannot be known.

        `X-Forwarded-For`, or `Forwarded` (RFC 7239) where there is none, is read right to left:
        the first hop that is not trusted is the client. A hop that is no address (`unknown`, an
        obfuscated name) ends the search without an answer, because nobody whom we trust vouches
        for what stands left of it.
        """
        if not peer.trusted:
            return peer.network
        text, begin, end = head.text, head.begins[X_FORWARDED_FOR], head.ends[X_FORWARDED_FOR]
        plain = _plain_network(text, begin, end)
        return plain or self._told(peer, head.value(X_FORWARDED_FOR), head.value(FORWARDED))

    def _told(self, peer: Peer, forwarded_for: bytes | None, forwarded: bytes | None) -> str:
        if forwarded_for is not None and forwarded_for.strip():
            text = forwarded_for.decode("latin-1")
            return anonymise(text) if "," not in text else self._first_unknown(_hops(text), peer)
        if forwarded is None or not forwarded.strip():
            return peer.network
        hops = [_parameter(element, "for") for element in _elements(forwarded)]
        return self._first_unknown(hops, peer)

    def https(self, peer: Peer, head: RequestHead) -> bool:
        """Whether the nearest proxy, if trusted, says that it was spoken to by HTTPS."""
        if not peer.trusted:
            return False
        value = _given(head.value(X_FORWARDED_PROTO))
        if value is not None:
            return value.rpartition(b",")[2].strip().lower() == b"https"
        value = _given(head.value(FORWARDED))
        elements = [] if value is None else _elements(value)
        return bool(elements) and _parameter(elements[0], "proto").lower() == "https"

    def _first_unknown(self, hops: Sequence[str], peer: Peer) -> str:
        """Return the network of the first hop, nearest first, that is none of our proxies."""
        network = peer.network
        for hop in hops:
            parsed = _parse(hop)
            if parsed is None:
                return ""
            network = _network(parsed)
            if not self._trusts(parsed):
                break
        return network

    def _trusts(self, address: _Address) -> bool:
        if isinstance(address, IPv6Address):
            mapped = address.ipv4_mapped
            if mapped is None:
                return any(address in network for network in self._v6)
            address = mapped
        return any(address in network for network in self._v4)


def _given(value: bytes | None) -> bytes | None:
    """Return a header's value; an empty one says nothing."""
    return value if value and value.strip() else None


def _parse(text: str) -> _Address | None:
    text = text.strip(_OWS)
    if len(text) > _LONGEST:
        return None
    bracketed = _BRACKETED(text)
    if bracketed is not None:
        text = bracketed[1]
    elif with_port := _V4_AND_PORT(text):
        text = with_port[1]
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return None if bracketed is not None and parsed.version == 4 else parsed


def _network(address: _Address) -> str:
    number = int(address)
    if isinstance(address, IPv6Address):
        carried = _carried(number)
        if carried is None:
            return _ipv6_text(address.packed)
        number = carried
    return f"{number >> 24}.{number >> 16 & 0xFF}.{number >> 8 & 0xFF}.0"


def _ipv6_text(number: bytes) -> str:
    """Write the network of an address's 16 bytes as RFC 5952 does."""
    return inet_ntop(AF_INET6, number[:_V6_KEPT] + _V6_ZEROED)


def _carried(number: int) -> int | None:
    """Return the IPv4 address inside an IPv6 address, both as numbers."""
    if number >> 112 == 0x2002:
        return number >> 80 & _V4_BITS
    if number >> 32 == 0xFFFF or number & ~_V4_BITS == _NAT64:
        return number & _V4_BITS
    return None


def _unmapped(network: _Network) -> _Network:
    """Write a network of mapped addresses as the IPv4 network that it means."""
    if isinstance(network, IPv4Network) or not network.subnet_of(_MAPPED):
        return network
    return IPv4Network((int(network.network_address) & _V4_BITS, network.prefixlen - 96))


def _hops(text: str) -> list[str]:
    """Split a list, nearest hop first; empty elements do not count (RFC 9110, 5.6.1)."""
    hops = (hop.strip(_OWS) for hop in reversed(text.rsplit(",", _HOPS)))
    return [hop for hop in hops if hop]


def _elements(value: bytes) -> list[str]:
    """Split `Forwarded` (RFC 7239, 4), nearest element first.

    From the right, so that a quote which a client left open cannot swallow what a proxy appended.
    """
    elements: list[str] = []
    open_part = ""
    for part in reversed(value.decode("latin-1").rsplit(",", _HOPS)):
        element = f"{part},{open_part}" if open_part else part
        if element.count('"') % 2:
            open_part = element
            continue
        open_part = ""
        if element.strip(_OWS):
            elements.append(element)
    return [*elements, open_part] if open_part else elements


def _parameter(element: str, name: str) -> str:
    """Return a parameter of a `Forwarded` element; empty when absent, repeated or malformed."""
    found: str | None = None
    position = 0
    while position < len(element):
        match = _PAIR(element, position)
        if match is None:
            return ""
        position = match.end()
        if match[1] is not None and match[1].lower() == name:
            if found is not None:
                return ""
            found = match[3] if match[2] is None else _ESCAPED.sub(r"\1", match[2])
    return found or ""
