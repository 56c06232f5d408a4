"""Requests drawn from a grammar, good and bad, by a fixed seed."""

import json
import random
from collections.abc import Iterator
from typing import NamedTuple

from tests.http.harness import request

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Safari/537.36"
)
_SITES = ("example", "Example.COM", "a", "a/b", "a%2Fb", "", "-a", "x" * 64, "x" * 65, "%00a", "ü")
_URLS = (
    "https%3A%2F%2Fexample.com%2Fa%3Futm_source%3Dx%26key%3Dsecret%23frag",
    "https://user:pw@example.com/b;c?ref=1;d=2",
    "http://[2001:db8::1]:8080/",
    "javascript:alert(1)",
    "https%3A%2F%2Fexample.com%2Fjohn%40example.org",
    "//example.com",
    "https://example.com/" + "a" * 2_100,
    "%ff%fe",
)
_FIELDS = (
    "t=Hello+World", "t=%E2%9C%93+mail+me@example.org", "t=" + "x" * 600, "t=%00%01ok", "e=copy",
    "e=leave", "e=Bad", "e=my_event", "id=018F0000-0000-7000-8000-00000000000A", "id=nope",
    "p=abc_DEF-1", "p=a%20b", "sw=1920&sh=1080", "sw=0", "sw=32767", "sw=32768", "sw=1e3", "d=12.5",
    "d=-1", "d=86400", "n=10", "n=10000001", "age=1000", "age=86400001", "w=pro", "w=x",
    "lang=en-GB", "lang=%3C", "tz=Europe%2FParis", "zzz=1", "s=second", "=", "&&", "sw", "u=",
    "%73w=5", "ping=0",
)  # fmt: skip
_HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"User-Agent": CHROME, "Accept-Language": "en-GB,en;q=0.5"},
    {"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"},
    {"Cookie": "optout=1"},
    {"Cookie": "a=b; optout=1; c=d"},
    {"Cookie": "xoptout=1; optout=10"},
    {"Cookie": 'x="; optout=1; y="'},
    {"Sec-GPC": "1"},
    {"DNT": "1"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch"},
    {"Referer": "https://news.example/"},
    {"Referer": "http://beacon.test/live/x"},
    {"Origin": "https://news.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Dest": "document"},
    {"Sec-Fetch-Storage-Access": "none"},
    {"Sec-CH-UA": '"Not A;Brand";v="99", "Chromium";v="138", "Google Chrome";v="138"',
     "Sec-CH-UA-Mobile": "?1", "Sec-CH-UA-Platform": '"Android"'},
    {"X-Forwarded-For": "198.51.100.7"},
    {"X_Under": "1", "Accept": "*/*"},
    {"Accept-Language": "caf\xe9"},
    {"Connection": "close"},
    {"Connection": "keep-alive"},
    {"Expect": "100-continue"},
    {"Expect": "200-ok"},
    {"Upgrade": "websocket", "Connection": "Upgrade"},
)  # fmt: skip
_TYPES = ("", "text/plain", "application/json", "Application/JSON; charset=UTF-8",
          "text/plain;charset=utf-8", "text/html", "application/json; charset=latin-1")  # fmt: skip
_BODIES: tuple[bytes, ...] = (
    b'{"s":"example"}',
    b'{"site":"Example","name":"copy","copied_characters":12}',
    b'{"s":"short","site":"long","u":"https://a.example/x?y=1#z"}',
    b'{"site":"a/b"}',
    b'{"site":5}',
    b'{"site":null,"s":"x"}',
    b'{"s":"a","props":{"k":"v","n":1,"mail":"me@example.org"}}',
    b'{"s":"a","title":7,"screen_width":true,"engaged_seconds":1.25,"age_ms":"5000"}',
    b'{"s":"a","s":"b"}',
    b'{"s":"a","nope":1}',
    b'[{"s":"a"},{"s":"b"}]',
    b'[{"s":"a"},{"s":"b c"},17]',
    b'[{"s":"!"}]',
    b"[]",
    json.dumps([{"s": "a"}] * 100).encode(),
    json.dumps([{"s": "a"}] * 101).encode(),
    b"",
    b'"text"',
    b"17",
    b"null",
    b"{",
    b"\xef\xbb\xbf{}",
    b'{"s":"\xff"}',
    b'{"s":"a","t":"\\ud800"}',
    b'{"s":"a","d":1e400}',
    b'{"s":"a","d":99999999999999999999999}',
    b'{"s":"a","props":' + b"[" * 2_000 + b"]" * 2_000 + b"}",
)
_OTHERS = (
    ("GET", "/opt-out"), ("GET", "/opt-out/status"), ("POST", "/opt-out"), ("POST", "/opt-in"),
    ("GET", "/"), ("GET", "/nowhere"), ("GET", "/p%2Egif?s=a"), ("GET", "/badge/%61.svg"),
    ("GET", "/p.gif/"), ("GET", "//p.gif?s=a"), ("GET", "/badge/a/b.svg"), ("PUT", "/p.gif?s=a"),
    ("POST", "/p.gif?s=a"), ("GET", "/e"), ("HEAD", "/e"), ("OPTIONS", "/e"), ("DELETE", "/e"),
    ("HEAD", "/p.gif?s=a"), ("HEAD", "/badge/a.svg"), ("GET", "/badge/a.json"), ("HEAD", "/"),
    ("GET", "http://beacon.test/p.gif?s=absolute"), ("GET", "/p.gif?s=a?b"), ("GET", "/badge/.svg"),
    ("POST", "/opt-out?site=example"), ("POST", "/opt-in?site=!"), ("GET", "/robots.txt"),
)  # fmt: skip
_MALFORMED: tuple[bytes, ...] = (
    b"GET /p.gif?s=a HTTP/1.1\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a b/c?\r\n\r\n",
    b"GET /p.gif?s=a HTTP/2.0\r\nHost: a\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.2\r\nHost: a\r\n\r\n",
    b"GET /p.gif?s=a HTTP/0.9\r\n\r\n",
    b"GET /p.gif?s=a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"FOO /p.gif?s=a HTTP/1.1\r\nHost: a\r\n\r\n",
    b"get /p.gif?s=a HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET  /p.gif?s=a HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /p.gif?s=\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /p.gif?s=a\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /p.gif?s=a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET p.gif?s=a HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\nNoColon\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\n Host: a\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\nHost: a\n\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n",
    b'POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nContent-Length: 9\r\n\r\n{"s":"a"}',
    b'POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 9, 9\r\n\r\n{"s":"a"}',
    b'POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: +9\r\n\r\n{"s":"a"}',
    b'POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 0x9\r\n\r\n{"s":"a"}',
    b'POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: -9\r\n\r\n{"s":"a"}',
    b'POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n{"s":"a"}',
    b'POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n{"s":"a"}',
    b"POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'9\r\n{"s":"a"}\r\n0\r\n\r\n',
    b'POST /e HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"s":"a"}\r\n0\r\n\r\n',
    b"POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'ZZ\r\n{"s":"a"}\r\n0\r\n\r\n',
    b"POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'-9\r\n{"s":"a"}\r\n0\r\n\r\n',
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 101 + b"\r\n",
    b"GET /p.gif?s=a HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 16_384 + b"\r\n\r\n",
    b"GET /p.gif?s=a&t=" + b"y" * 8_192 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\r\n\r\n\r\n\x00\x00",
)


class Sample(NamedTuple):
    """One request of the corpus."""

    name: str
    data: bytes
    method: bytes


def well_formed() -> list[Sample]:
    """At least 300 requests that are HTTP, whatever their content."""
    chance = random.Random(20_261_124)
    made = [
        *_pixels(chance, 150), *_badges(chance, 50), *_posts(chance, 110), *_chunked(), *_old(),
        *(_sample(method, target, {}) for method, target in _OTHERS),
    ]  # fmt: skip
    return [sample._replace(name=f"{number}-{sample.name}") for number, sample in enumerate(made)]


def malformed() -> list[Sample]:
    """Requests that are not HTTP, or that could be read in two ways."""
    return [Sample(str(number), data, b"GET") for number, data in enumerate(_MALFORMED)]


def _pixels(chance: random.Random, count: int) -> Iterator[Sample]:
    for number in range(count):
        site = _SITES[number % len(_SITES)] if number < 30 else "example"
        fields = chance.sample(_FIELDS, chance.randint(0, 5))
        if chance.random() < 0.6:
            fields.append(f"u={chance.choice(_URLS)}")
        query = "&".join([f"s={site}", *fields]) if chance.random() < 0.95 else "&".join(fields)
        target = f"/p.gif?{query}".replace("ü", "%C3%BC")
        yield _sample("GET", target, _HEADERS[number % len(_HEADERS)])


def _badges(chance: random.Random, count: int) -> Iterator[Sample]:
    for number in range(count):
        site = _SITES[number % len(_SITES)].replace("ü", "%C3%BC").replace("/", "%2f")
        fields = chance.sample(
            ("ping=0", "ping=1", "style=flat", "t=Title", "sw=3", "r=http://x.y/"), 2
        )
        target = f"/badge/{site}.svg?{'&'.join(fields)}"
        yield _sample("GET", target, _HEADERS[number % len(_HEADERS)])


def _posts(chance: random.Random, count: int) -> Iterator[Sample]:
    for number in range(count):
        headers = dict(_HEADERS[number % len(_HEADERS)])
        kind = _TYPES[number % 5] if chance.random() < 0.9 else chance.choice(_TYPES)
        if kind:
            headers["Content-Type"] = kind
        if chance.random() < 0.05:
            headers["Content-Encoding"] = "gzip"
        yield _sample("POST", "/e", headers, _BODIES[number % len(_BODIES)])


def _chunked() -> Iterator[Sample]:
    for body in _BODIES[:12]:
        pieces = [body[:5], body[5:]]
        data = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
        headers = {"Transfer-Encoding": "chunked"}
        yield _sample("POST", "/e", headers, data + b"0\r\n\r\n")


def _old() -> Iterator[Sample]:
    """HTTP/1.0, as proxies speak it to us."""
    for extra in ("", "Connection: keep-alive\r\n", "Host: a\r\n"):
        yield Sample("old", f"GET /p.gif?s=old HTTP/1.0\r\n{extra}\r\n".encode(), b"GET")


def _sample(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Sample:
    data = request(method, target, headers, body)
    return Sample(f"{method} {target[:40]}", data, method.encode())
