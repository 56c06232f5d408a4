"""What is told of this server's origin at a glance is what its text says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.network import TrustedProxies
from ingest.config import Config
from ingest.http.own_origin import OwnOrigin, is_secure
from tests.support.heads import head_of

PROXIES = TrustedProxies(Config(http={"trusted_proxies": ["10.0.0.0/8"]}).http.trusted_proxies)
hosts = st.sampled_from(
    [b"", b"a.example", b"localhost", b"LOCALHOST:80", b"a.localhost:8080", b"127.0.0.1:80",
     b"127.1.2.3", b"[::1]", b"[::1]:8080", b"notlocalhost", b"127.0.0.1.example", b"127.0.0.1:"]
)  # fmt: skip
protos = st.sampled_from([None, b"", b"http", b"https", b"http, HTTPS "])


@given(
    hosts,
    protos,
    st.sampled_from([None, "https://b.example", "http://b.example", "http://localhost:1"]),
    st.sampled_from(["10.0.0.1", "192.0.2.1"]),
)
def test_it_is_secure_just_when_its_origin_is(host, proto, public_url, address):
    own, peer = OwnOrigin(public_url, PROXIES), PROXIES.peer(address)
    fields = {b"host": host} | ({} if proto is None else {b"x-forwarded-proto": proto})
    head = head_of(fields)
    assert own.secure(peer, head) is is_secure(own.of(peer, head))


@pytest.mark.parametrize(
    ("host", "proto", "secure"),
    [
        (b"a.example", b"https", True),
        (b"a.example", b"http", False),
        (b"", b"https", False),
        (b"localhost:8080", b"http", True),
        (b"LocalHost", b"", True),
        (b"127.0.0.1:80", b"", True),
    ],
)
def test_behind_a_proxy_its_word_decides_but_for_loopback(host, proto, secure):
    head = head_of({b"host": host, b"x-forwarded-proto": proto})
    assert OwnOrigin(None, PROXIES).secure(PROXIES.peer("10.0.0.1"), head) is secure
