"""Heads: compiled as interpreted, and nothing is taken that llhttp refuses or reads otherwise."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.beacon.known import NAMES
from ingest.http import head as compiled
from tests.http import llhttp
from tests.http.corpus import malformed, well_formed
from tests.support.interpreted import interpreted

plain = interpreted("ingest.http.head")
strict: Any = interpreted("ingest.http.head")  # without its quick ways
strict._glance = lambda *_given: False
strict.Head._has_plain_host = lambda _head: False

_PIECES = (
    b"GET", b"POST", b"HEAD", b"get", b"FOO", b"CONNECT", b"PROPFIND", b" ", b"  ", b"\t",
    b"/p.gif", b"/e", b"?s=a", b"?", b"&t=%20x", b"#f", b"*", b"http://a", b"HTTPS://a:80", b"http://u@a/",
    b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b" HTTP/1.2", b" http/1.1", b"\r\n", b"\n", b"\r",
    b"Host: a", b"Host: a b", b"host:[::1]:8080", b"X: ", b"X_Y: 1", b": ", b":", b"Cookie: a=b",
    b"Connection: close", b"Connection: keep-alive, x", b"Content-Length: 5", b"Content-Length: 05",
    b"Content-Length: x", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: xchunked", b"Expect: 100-continue", b"Expect: x", b"Upgrade: h2c",
    b"Connection: upgrade", b"COOKIE: c=d", b"User-Agent: x", b"user-agent: y ", b"DNT: 1",
    b"Host: 192.0.2.1:80", b"Host: a:", b"Host: :80", b"Host: a:123456", b"Host: ",
    b"\x00", b"\x7f", b"\xc3\xbc", b"a", b"Accept-Language: \xe9",
)  # fmt: skip
pieces = st.lists(st.sampled_from(_PIECES) | st.binary(max_size=3), max_size=12).map(b"".join)
lines = st.lists(st.sampled_from([p for p in _PIECES if b":" in p]) | pieces, max_size=6)
heads = st.one_of(
    pieces,
    st.tuples(
        st.sampled_from((b"GET /p.gif?s=a HTTP/1.1", b"POST /e HTTP/1.1", b"GET /x HTTP/1.0")),
        lines,
    ).map(lambda made: b"\r\n".join((made[0], b"Host: a", *made[1]))),
    st.tuples(pieces, lines).map(lambda made: b"\r\n".join((made[0], *made[1]))),
).map(lambda head: head + b"\r\n\r\n")


def _seen(module: Any, data: bytes, start: int = 0, most: int = 100) -> Any:
    try:
        head = module.parse_head(data, start, most)
    except module.Refusal as refusal:
        return refusal.status, refusal.detail
    names = ("method", "path", "query", "headers", "old", "keep_alive", "length", "chunked",
             "special", "end", "raw")  # fmt: skip
    values = tuple(head.value(known) for known in range(len(NAMES)))
    assert values == tuple(head.headers.get(name) for name in NAMES)
    assert head.seen == sum(1 << known for known, value in enumerate(values) if value is not None)
    assert head.has_path(head.path.encode())
    assert not head.has_path(head.path.encode() + b"x")
    return (*(getattr(head, name) for name in names), values)


@settings(max_examples=1_000)
@given(heads, st.integers(0, 5), st.integers(0, 4))
def test_compiled_and_interpreted_agree(data: bytes, start: int, most: int) -> None:
    start = min(start, len(data) - 4)
    assert _seen(compiled, data, start, most) == _seen(plain, data, start, most)


@settings(max_examples=1_000)
@given(heads)
def test_the_quick_ways_agree_with_the_rule(data: bytes) -> None:
    assert _seen(plain, data) == _seen(strict, data)


@given(heads, heads)
def test_of_several_heads_each_keeps_its_own_bytes(first: bytes, second: bytes) -> None:
    try:
        found = compiled.parse_head(first + second, len(first), 100)
    except compiled.Refusal:
        return
    assert found.raw == second[: found.end - len(first)]
    assert _seen(compiled, first + second, len(first))[3:4] == _seen(compiled, second)[3:4]


def test_a_field_that_is_not_known_is_not_looked_for_by_number() -> None:
    head = compiled.parse_head(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 100)
    for number in (-1, len(NAMES), 1_000):
        with pytest.raises(IndexError):
            head.value(number)


def test_they_agree_on_the_whole_corpus() -> None:
    for sample in (*well_formed(), *malformed()):
        if b"\r\n\r\n" in sample.data:
            assert _seen(compiled, sample.data) == _seen(plain, sample.data), sample.name
            assert _seen(plain, sample.data) == _seen(strict, sample.data), sample.name


@settings(max_examples=1_000)
@given(heads)
@example(b"GET / HTTP/1.1\r\nHost: a\r\nX:\t b \t\r\n\r\n")
def test_what_is_taken_llhttp_takes_and_reads_alike(data: bytes) -> None:
    try:
        ours = compiled.parse_head(data, 0, 100)
    except compiled.Refusal:
        return
    theirs = llhttp.read(data[: ours.end])
    assert theirs is not None
    assert (ours.method, ours.headers) == (theirs.method, theirs.headers)
    assert theirs.version == ("1.0" if ours.old else "1.1")
    whole = ours.path.encode() + (b"?" + ours.query if ours.query else b"")
    assert theirs.target.removesuffix(b"?").endswith(whole)
    if not ours.special:
        assert ours.keep_alive == theirs.keep_alive


@given(st.binary(max_size=200), st.integers(-3, 210))
def test_bytes_without_an_end_are_never_read_beyond(data: bytes, start: int) -> None:
    for module in (compiled, plain):
        try:
            module.parse_head(data.replace(b"\n", b""), start, 100)
        except (module.Refusal, IndexError):
            continue
        raise AssertionError("no whole head, and yet it was taken")
