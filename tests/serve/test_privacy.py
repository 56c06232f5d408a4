"""A raw client address appears nowhere after it was anonymised."""

import ipaddress
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.raw import request
from tests.support.server import Server, start_server

# Bytes that stand in no other place by chance: the searched forms must be rare.
_V4 = st.integers(0xC6_33_64_01, 0xC6_33_64_FE).map(ipaddress.IPv4Address)
_V6 = st.integers(1 << 64, (1 << 80) - 1).map(
    lambda n: ipaddress.IPv6Address((0x2001_0DB8_ABCD << 80) | n)
)


def _texts(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[str]:
    """Every way in which a client or a proxy may write an address."""
    if isinstance(address, ipaddress.IPv6Address):
        return [str(address), address.exploded, f"[{address}]:443", f"{address}%eth0"]
    number = int(address)
    carried = [f"::ffff:{address}", f"64:ff9b::{address}", f"[::ffff:{address}]:1234"]
    carried.append(str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80))))
    carried.append(f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}")
    return [str(address), f"{address}:4711", *carried]


def _forms(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[bytes]:
    """What to search for: text, hexadecimal and packed forms of the whole address."""
    text = [str(address), address.exploded, address.packed.hex(), address.packed.hex().upper()]
    percent = "".join(f"%{ord(letter):02x}" for letter in str(address))
    return [*(form.encode() for form in (*text, percent)), address.packed]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    flags = ("--set", "http.trusted_proxies=127.0.0.0/8", "--set", "logs.level=debug")
    with start_server(tmp_path_factory.mktemp("privacy"), *flags) as running:
        yield running


def _everything(server: Server) -> dict[str, bytes]:
    found = {
        "stdout": server.stdout_text().encode(),
        "stderr": server.stderr_text().encode(),
        "metrics": request(server.admin_url, "/metrics").body,
    }
    for file in sorted(Path(server.data_dir).rglob("*")):
        if file.is_file():
            found[file.name] = _plain(file)
    return found


def _plain(file: Path) -> bytes:
    raw = file.read_bytes()
    if file.suffix != ".seg":
        return raw
    from tests.support.store import decompressed

    return raw + decompressed(file)


@given(address=st.one_of(_V4, _V6), data=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_form_of_a_client_address_is_kept_or_shown(server, address, data):
    written = data.draw(st.sampled_from(_texts(address)))
    name = data.draw(st.sampled_from(["X-Forwarded-For", "Forwarded"]))
    forged = data.draw(st.sampled_from(["", "203.0.113.9, ", "unknown, ", "junk,,"]))
    value = f"{forged}{written}" if name == "X-Forwarded-For" else f'for="{written}"'
    headers = {name: value, "X-Real-IP": str(address), "True-Client-IP": str(address)}
    targets = ["/p.gif?s=example", "/p.gif?s=a%2Fb", "/nowhere", "/badge/example.svg"]
    target = data.draw(st.sampled_from(targets))
    assert request(server.url, target, headers=headers).status in (200, 400, 404)
    body = b'{"s":"example","n":"x"' + data.draw(st.sampled_from([b"}", b""]))
    request(server.url, "/e", method="POST", headers=headers, body=body)
    for place, content in _everything(server).items():
        for form in _forms(address):
            assert form not in content, f"{place} holds an address"


def test_malformed_requests_leave_no_address_behind(server):
    address = "198.51.100.77"
    for raw in (
        f"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {address}\r\nBad Header\r\n\r\n",
        f"GET /{address} HTTP/9.9\r\nHost: a\r\n\r\n",
        f"POST /e HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {address}\r\n"
        "Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            connection.sendall(raw.encode())
            status = connection.recv(65536).split(b" ")[1]
            assert status[:1] in b"45"
    for place, content in _everything(server).items():
        assert address.encode() not in content, f"{place} holds an address"
