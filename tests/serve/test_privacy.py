"""A raw client address appears nowhere after it was anonymised."""

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.stats.state import FILE as STATS_FILE
from tests.support import raw
from tests.support.server import Server, start_server
from tests.support.store import SEGMENT_SUFFIX, decompressed

_NOISE = (SEGMENT_SUFFIX, STATS_FILE, f"{STATS_FILE}-wal")
"""How the names of files end that hold compressed or random bytes."""
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Bytes that stand in no other place by chance: the searched forms must be rare.
_V4 = st.integers(0xC6_33_64_01, 0xC6_33_64_FE).map(ipaddress.IPv4Address)
_V6 = st.integers(1 << 64, (1 << 80) - 1).map(
    lambda n: ipaddress.IPv6Address((0x2001_0DB8_ABCD << 80) | n)
)
_ADDRESSES = st.one_of(_V4, _V6)
_OWN = st.integers(0x7F_33_64_01, 0x7F_33_64_FE).map(ipaddress.IPv4Address)
"""Addresses that this machine can connect from, and that are no trusted proxy's."""
_SINGLE = ("X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "Client-IP", "Via")
_TARGETS = ("/p.gif?s=example", "/p.gif?s=a%2Fb", "/badge/example.svg", "/opt-out", "/nowhere")


class _Running(NamedTuple):
    """A server, and the addresses that it was told."""

    server: Server
    told: set[_Address]


_LANES = pytest.mark.parametrize("fast", ["true", "false"], ids=["fast lane", "slow lane"])
_MANY = 20
"""Addresses of which chance may have put the four bytes of some into noise, not of many."""


def _started(directory: Path, fast: str) -> Server:
    flags = ["http.trusted_proxies=127.0.0.1/32", f"http.fast_lane={fast}", "logs.level=debug"]
    return start_server(directory, *(word for flag in flags for word in ("--set", flag)))


@pytest.fixture(scope="module", params=["true", "false"], ids=["fast lane", "slow lane"])
def running(request, tmp_path_factory) -> Iterator[_Running]:
    """Searched once more when it has stopped: by then all is on disk, the rejected events too."""
    with _started(tmp_path_factory.mktemp("privacy"), request.param) as server:
        made = _Running(server, set())
        yield made
        assert server.terminate() == 0
        _assert_nowhere(server, made.told)
        if len(made.told) > _MANY:
            _assert_only_chance(server, made.told)


def _written(address: _Address) -> list[str]:
    """Every way in which a client or a proxy may write an address."""
    forms = [str(address), address.exploded, f" {address}\t", _percent(str(address))]
    if isinstance(address, ipaddress.IPv6Address):
        forms += [str(address).upper(), f"[{address}]", f"[{address}]:443", f"{address}%eth0"]
        return [*forms, f"[{address}%25eth0]:443", f"{address}:443", f"[{address}"]
    forms += [f"{address}:4711", f"[{address}]", f"{address}/32", f"{address}%eth0", f"0{address}"]
    for six in _carriers(address):
        forms += [six, six.upper(), f"[{six}]", f"[{six}]:443", f"{six}%eth0", f"[{six}%eth0]:443"]
    return forms


def _carriers(address: ipaddress.IPv4Address) -> list[str]:
    """IPv6 addresses that hold an IPv4 address: mapped, NAT64, 6to4, and the old compatible one."""
    low = _groups(address)
    carriers = [f"{start}{end}" for start in ("::ffff:", "64:ff9b::") for end in (address, low)]
    return [*carriers, f"2002:{low}::", f"2002:{low}:1::{low}", f"::{low}"]


def _groups(address: ipaddress.IPv4Address) -> str:
    return f"{int(address) >> 16:x}:{int(address) & 0xFFFF:x}"


def _percent(text: str) -> str:
    return "".join(f"%{ord(letter):02x}" for letter in text)


def _forms(address: _Address) -> list[bytes]:
    """What to search for: text, hexadecimal and packed; of IPv6 also more than its 48 bits."""
    packed = address.packed
    text = [str(address), address.exploded, packed.hex(), _percent(str(address))]
    if isinstance(address, ipaddress.IPv6Address):
        text += [packed[:8].hex(), str(ipaddress.IPv6Address(packed[:8] + bytes(8)))[:-2]]
        text += [address.exploded[:19]]
    else:
        text += [_groups(address), packed.hex(":"), str(int(address)), hex(int(address))]
    both = {form.encode() for word in text for form in (word, word.upper())}
    return [*both, packed, packed[:8], packed[::-1]]


def _everything(server: Server) -> dict[str, bytes]:
    found = {
        "stdout": server.stdout_text().encode(),
        "stderr": server.stderr_text().encode(),
    }
    if server.running:
        found["metrics"] = raw.request(server.admin_url, "/metrics").body
    for file in sorted(Path(server.data_dir).rglob("*")):
        if file.is_file():
            found[file.name] = file.read_bytes()
            if file.suffix == SEGMENT_SUFFIX:
                found[f"{file.name} decompressed"] = decompressed(file)
    return found


def _assert_nowhere(server: Server, addresses: set[_Address]) -> None:
    everything = _everything(server)
    for address in addresses:
        for form in _forms(address):
            for place, content in everything.items():
                if not _by_chance(form, place):
                    assert form not in content, f"{place} holds {form!r}"


def _by_chance(form: bytes, place: str) -> bool:
    """Whether chance may have put it there: four bytes agree at one of 2³² places of noise.

    What is compressed is searched for them once it is not, and see `_packed_in_noise`.
    """
    return len(form) <= 4 and place.endswith(_NOISE)


def _packed_in_noise(server: Server, addresses: set[_Address]) -> int:
    """Of how many addresses four bytes stand in files of noise."""
    everything = _everything(server).items()
    noise = b"\n".join(content for place, content in everything if place.endswith(_NOISE))
    short = [[form for form in _forms(address) if len(form) <= 4] for address in addresses]
    return sum(any(form in noise for form in forms) for forms in short)


def _assert_only_chance(server: Server, addresses: set[_Address]) -> None:
    assert _packed_in_noise(server, addresses) < len(addresses) / 4, "more than chance puts there"


def _send(
    server: Server, head: str, headers: list[tuple[str, str]], body: bytes = b"", source: str = ""
) -> raw.Answer:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    data = f"{head} HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode("latin-1") + body
    with socket.create_connection(("127.0.0.1", server.port), 20, (source, 0)) as connection:
        connection.sendall(data)
        return raw.read(connection)


def _bodies() -> list[tuple[list[tuple[str, str]], bytes]]:
    """Bodies that are stored, rejected, and no JSON or no chunks at all."""
    plain = [b'{"s":"example","n":"x"}', b'{"s":"a b"}', b'{"s":"example"', b'["x",{"s":"a"}]']
    made = [([("Content-Length", str(len(body)))], body) for body in plain]
    for chunks in (b'd\r\n{"s":"chunky"\r\n1\r\n}\r\n0\r\n\r\n', b"ZZ\r\n\r\n"):
        made.append(([("Transfer-Encoding", "chunked")], chunks))
    return made


@st.composite
def _forwarding(draw, address: _Address) -> list[tuple[str, str]]:
    """Headers in which proxies and liars tell an address."""
    written = draw(st.sampled_from(_written(address)))
    before = draw(st.sampled_from(["", "203.0.113.9, ", "unknown, ", "junk,,", f"{written}, "]))
    after = draw(st.sampled_from(["", "", ", 127.0.0.1", ", 203.0.113.9", ", unknown"]))
    node = f'"{written}"' if draw(st.booleans()) else written
    forwarded = draw(st.sampled_from([f"for={node}", f"proto=https;For={node};by={node}, for=_x"]))
    lists = [("X-Forwarded-For", f"{before}{written}{after}"), ("Forwarded", forwarded)]
    lists += [("X-Forwarded-For", written)]
    singles = [(name, written) for name in _SINGLE]
    return draw(st.lists(st.sampled_from([*lists, *singles]), min_size=1, max_size=6))


_PROPERTY = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@given(address=_ADDRESSES, data=st.data())
@_PROPERTY
def test_no_form_of_a_forwarded_address_is_kept_or_shown(running, address, data):
    server, told = running
    told.add(address)
    headers = data.draw(_forwarding(address))
    target = data.draw(st.sampled_from([*_TARGETS, f"/{_percent(str(address))}"]))
    assert _send(server, f"GET {target}", headers).status in (200, 400, 404)
    framing, body = data.draw(st.sampled_from(_bodies()))
    assert _send(server, "POST /e", [*headers, *framing], body).status < 500
    _assert_nowhere(server, {address})


@given(address=_OWN, data=st.data())
@_PROPERTY
def test_no_form_of_a_connections_own_address_is_kept_or_shown(running, address, data):
    server, told = running
    told.add(address)
    forged = data.draw(_forwarding(ipaddress.IPv4Address("198.51.100.99")))
    target = data.draw(st.sampled_from(_TARGETS))
    assert _send(server, f"GET {target}", forged, source=str(address)).status in (200, 400, 404)
    framing, body = data.draw(st.sampled_from(_bodies()))
    assert _send(server, "POST /e", framing, body, str(address)).status < 500
    _assert_nowhere(server, {address})


def test_malformed_requests_leave_no_address_behind(running):
    server, told = running
    address = "198.51.100.77"
    told.add(ipaddress.IPv4Address(address))
    forwarded = f"Host: a\r\nX-Forwarded-For: {address}\r\n"
    for data in (
        f"GET /p.gif?s=a HTTP/1.1\r\n{forwarded}Bad Header\r\n\r\n",
        f"GET /p.gif?s=a HTTP/1.1\r\n{forwarded}X: {'y' * 20_000}\r\n\r\n",
        f"GET /{address} HTTP/9.9\r\nHost: a\r\n\r\n",
        f"GET http://{address}/p.gif HTTP/1.1\r\nHost: a b\r\n\r\n",
        f"CONNECT {address}:443 HTTP/1.1\r\nHost: {address}\r\n\r\n",
        f"POST /e HTTP/1.1\r\n{forwarded}Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        f"POST /e HTTP/1.1\r\n{forwarded}Transfer-Encoding: gzip\r\n\r\n",
        f"{address}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            connection.sendall(data.encode())
            status = connection.recv(65536).split(b" ")[1]
            assert status[:1] in b"45"
    _assert_nowhere(server, {ipaddress.IPv4Address(address)})


@_LANES
def test_after_the_stop_all_that_was_written_is_searched_for_every_address(tmp_path, fast):
    told = {ipaddress.IPv4Address(0xC6_33_64_01 + 5 * number) for number in range(2 * _MANY)}
    with _started(tmp_path, fast) as server:
        for address in told:
            for target in ("/p.gif?s=last", "/p.gif?s=%21last"):
                _send(server, f"GET {target}", [("X-Forwarded-For", str(address))])
        assert server.terminate() == 0
        everything = _everything(server)
        stored = b"".join(text for place, text in everything.items() if "decompressed" in place)
        assert b'"site":"last"' in stored, "the search sees no events"
        assert b'"ip":"198.51.100.0"' in stored, "the search sees no networks"
        rejected = b"".join(text for place, text in everything.items() if place.endswith(".jsonl"))
        assert b'"value":"!last"' in rejected, "the search sees no rejected events"
        _assert_nowhere(server, told)
        _assert_only_chance(server, told)
