"""No address leaves `network`, and no client chooses its network behind trusted proxies."""

import ipaddress
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.hit import Peer
from ingest.beacon.network import TrustedProxies, anonymise, parsed_network
from tests.support.heads import head_of

_PROXIES = TrustedProxies([ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")])
_PEER = _PROXIES.peer("10.0.0.1")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.55", "192.0.2.0"),
        ("192.0.2.55:4711", "192.0.2.0"),
        (" 192.0.2.55\t", "192.0.2.0"),
        ("0.0.0.255", "0.0.0.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("2001:DB8:1::5", "2001:db8:1::"),
        ("[2001:db8:1::5]", "2001:db8:1::"),
        ("[2001:db8:1::5]:443", "2001:db8:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("[fe80::1%eth0]:80", "fe80::"),
        ("::1", "::"),
        ("0:0:5::1", "0:0:5::"),
        ("::ffff:192.0.2.55", "192.0.2.0"),
        ("[::ffff:c000:237]:80", "192.0.2.0"),
        ("2002:c000:237::1", "192.0.2.0"),
        ("64:ff9b::192.0.2.55", "192.0.2.0"),
        ("64:ff9b:1::192.0.2.55", "64:ff9b:1::"),
    ],
)
def test_an_address_becomes_its_network(address, network):
    assert anonymise(address) == network


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "_hidden",
        "192.0.2",
        "192.0.2.1.1",
        "192.0.2.256",
        "192.0.2.01",
        "1.2.3.4%eth0",
        "192.0.2.1:",
        "192.0.2.1:x",
        "[192.0.2.1]",
        "[2001:db8::1",
        "2001:db8::1]",
        "2001:db8::1/64",
        "::ffff:192.0.2.256",
        "١.٢.٣.٤",
        "1.2.3.-4",
        "1.2.3.+4",
        "1.2.3. 4",
        "\x00",
        "[" * 200,
        "2001:db8::1" + "%" + "e" * 200,
        "fe80::1%",
        "192.0.2.1, 192.0.2.2",
    ],
)
def test_anything_else_has_no_network(text):
    assert anonymise(text) == ""


@given(st.ip_addresses(v=4))
def test_ipv4_keeps_24_bits_in_every_form(address):
    network = str(ipaddress.ip_network(f"{address}/24", strict=False).network_address)
    carried = ipaddress.IPv6Address(0x2002 << 112 | int(address) << 80 | 7)
    for form in (f"{address}", f"{address}:1", f"::ffff:{address}", f"64:ff9b::{address}", carried):
        assert anonymise(str(form)) == network


@given(st.ip_addresses(v=6, network="2000::/3").filter(lambda a: a.sixtofour is None))
def test_ipv6_keeps_48_bits_as_rfc_5952_writes_them(address):
    network = str(ipaddress.ip_network(f"{address}/48", strict=False).network_address)
    for form in (f"{address}", address.exploded, f"[{address}]:443", f"{address}%eth0"):
        assert anonymise(form) == network


_PIECES = (
    "0", "1", "2002", "64", "ff9b", "ffff", "FFFF", "db8", "00001", "255", "2001:db8:1", "a:b:c:d",
    ".", ":", "::", "%", " ",
)  # fmt: skip


@given(
    st.lists(st.sampled_from(_PIECES), max_size=16).map("".join)
    | st.ip_addresses(v=6).map(lambda address: address.exploded)
    | st.ip_addresses().map(str)
    | st.tuples(st.ip_addresses(v=6).map(str), st.sampled_from(_PIECES)).map("".join)
)
def test_the_short_ways_agree_with_the_rule(text):
    assert anonymise(text) == parsed_network(text)


@given(st.text(max_size=300))
def test_any_text_gives_a_network_or_nothing(text):
    network = anonymise(text)
    assert network == "" or anonymise(network) == network


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("10.1.2.3", Peer("10.1.2.0", True)),
        ("::ffff:10.1.2.3", Peer("10.1.2.0", True)),
        ("2001:db8:ffff::1", Peer("2001:db8:ffff::", True)),
        ("192.0.2.1", Peer("192.0.2.0", False)),
        ("2002:a01:203::1", Peer("10.1.2.0", False)),
        ("", Peer("", False)),
        ("/run/socket", Peer("", False)),
    ],
)
def test_a_peer_is_trusted_by_its_own_address(address, peer):
    assert _PROXIES.peer(address) == peer


def test_a_network_of_mapped_addresses_means_the_ipv4_network():
    proxies = TrustedProxies([ip_network("::ffff:10.0.0.0/104")])
    assert proxies.peer("10.9.9.9").trusted
    assert not proxies.peer("11.0.0.1").trusted


def test_headers_of_an_untrusted_peer_say_nothing():
    peer = _PROXIES.peer("192.0.2.1")
    headers = {b"x-forwarded-for": b"203.0.113.9", b"x-forwarded-proto": b"https"}
    assert _PROXIES.client(peer, head_of(headers)) == "192.0.2.0"
    assert not _PROXIES.https(peer, head_of(headers))


@pytest.mark.parametrize(
    ("value", "network"),
    [
        ("203.0.113.9", "203.0.113.0"),
        ("203.0.113.9:4711", "203.0.113.0"),
        ("[2001:db8:7::9]:80", "2001:db8:7::"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.0"),
        ("198.51.100.1, 203.0.113.9, 10.0.0.7, 2001:db8:ffff::2", "203.0.113.0"),
        ("203.0.113.9,, 10.0.0.7,", "203.0.113.0"),
        ("10.3.0.1, 10.0.0.7", "10.3.0.0"),
        ("203.0.113.9, unknown", ""),
        ("203.0.113.9, _hidden, 10.0.0.7", ""),
        ("junk", ""),
        ("", "10.0.0.0"),
        (" ", "10.0.0.0"),
        (",", "10.0.0.0"),
    ],
)
def test_x_forwarded_for_is_read_right_to_left_as_far_as_trusted_hops_reach(value, network):
    assert _PROXIES.client(_PEER, head_of({b"x-forwarded-for": value.encode()})) == network


@pytest.mark.parametrize(
    ("value", "network"),
    [
        ("for=203.0.113.9", "203.0.113.0"),
        ('For="203.0.113.9:80"; Proto=https;by=10.0.0.1', "203.0.113.0"),
        ('for="[2001:db8:7::9]:443"', "2001:db8:7::"),
        ("for=198.51.100.1, for=203.0.113.9;proto=http, for=10.0.0.5", "203.0.113.0"),
        ('for="198.51.100.1, for=203.0.113.9', "203.0.113.0"),
        ('for="198.51.100.1, for="203.0.113.9"', "203.0.113.0"),
        ('for=203.0.113.9;x="a,b"', "203.0.113.0"),
        ("for=203.0.113.9;for=198.51.100.1", ""),
        ("for=unknown", ""),
        ('for="_hidden"', ""),
        ("proto=https", ""),
        ("for=", ""),
        ("for=203.0.113.9 junk", ""),
        ("for", ""),
        (";;for=203.0.113.9", "203.0.113.0"),
        ("", "10.0.0.0"),
    ],
)
def test_forwarded_is_read_as_its_grammar_says(value, network):
    assert _PROXIES.client(_PEER, head_of({b"forwarded": value.encode()})) == network


def test_x_forwarded_for_comes_before_forwarded():
    headers = {b"x-forwarded-for": b"203.0.113.9", b"forwarded": b"for=198.51.100.1"}
    assert _PROXIES.client(_PEER, head_of(headers)) == "203.0.113.0"


@given(st.binary(max_size=300), st.sampled_from([b"x-forwarded-for", b"forwarded"]))
def test_what_a_client_puts_left_of_a_proxys_own_hop_changes_nothing(forged, name):
    own = b"203.0.113.9" if name == b"x-forwarded-for" else b"for=203.0.113.9"
    assert _PROXIES.client(_PEER, head_of({name: forged + b", " + own})) == "203.0.113.0"


@pytest.mark.parametrize(
    "hostile", [b",", b"10.0.0.1,", b'"', b" ", b'for="', b"\\", b";", b"=", b'\\"']
)
@pytest.mark.parametrize("name", [b"x-forwarded-for", b"forwarded"])
def test_a_hostile_header_gives_no_network(hostile, name):
    assert _PROXIES.client(_PEER, head_of({name: hostile * (16_000 // len(hostile)) + b"x"})) == ""


@pytest.mark.parametrize(
    ("headers", "https"),
    [
        ({}, False),
        ({b"x-forwarded-proto": b"https"}, True),
        ({b"x-forwarded-proto": b"HTTPS "}, True),
        ({b"x-forwarded-proto": b"http, https"}, True),
        ({b"x-forwarded-proto": b"https, http"}, False),
        ({b"x-forwarded-proto": b"http", b"forwarded": b"proto=https"}, False),
        ({b"forwarded": b"for=1.2.3.4;proto=https"}, True),
        ({b"forwarded": b'for=1.2.3.4;proto=http, for="[::1]";Proto="HTTPS"'}, True),
        ({b"forwarded": b"for=1.2.3.4;proto=https, for=1.2.3.4"}, False),
    ],
)
def test_the_nearest_proxy_says_whether_it_was_https(headers, https):
    assert _PROXIES.https(_PEER, head_of(headers)) is https
