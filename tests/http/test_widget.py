"""The Pro widget's script as it is served; tests/browser has what it does."""

import gzip
import re
from hashlib import sha256
from pathlib import Path

import pytest

from ingest.config import Widget
from ingest.http.static import ASSETS
from ingest.http.widget import script
from tests.http.harness import harness

NAMED = {"script_path": "/assets/app.js", "endpoint_path": "/notes", "pixel_path": "/dot.png"}
MOST = 3_000
"""Bytes of the script as it goes over the wire: the contract's 3 kB."""


@pytest.fixture
async def server(tmp_path):
    async with harness(tmp_path) as made:
        yield made


@pytest.fixture(params=[True, False], ids=["fast lane", "slow lane"])
async def named(tmp_path, request):
    async with harness(tmp_path, http={"fast_lane": request.param}, widget=NAMED) as made:
        yield made


# -- the script -----------------------------------------------------------------------------------


async def test_it_is_small(server):
    answer = await server.get("/w.js", Accept_Encoding="gzip")
    assert len(answer.body) <= MOST


def test_nothing_in_it_evaluates_text_or_listens_for_unload():
    text = script(Widget()).decode()
    assert not re.search(r"\beval\b|Function\(|unload|innerHTML|document\.write", text)
    assert not re.search(r"set(?:Timeout|Interval)\(\s*[\"'`]", text)


def test_comments_and_placeholders_are_gone():
    text = script(Widget()).decode()
    assert not re.search(r"/\*|\s//|__[A-Z]+__", text)


def test_the_paths_of_the_configuration_are_written_in():
    text = script(Widget(**NAMED)).decode()
    assert '"/notes"' in text
    assert "/dot.png" in text
    assert '"/e"' not in text
    assert "/p.gif" not in text


# -- its delivery ---------------------------------------------------------------------------------


async def test_browsers_keep_it_for_a_day_and_any_site_may_load_it(server):
    answer = await server.get("/w.js", Origin="https://news.example")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["etag"] == f'"{sha256(answer.body).hexdigest()[:16]}"'
    assert "set-cookie" not in answer.headers
    assert "beacon-outcome" not in answer.headers


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("identity", False),
        ("x-gzip-not", False),
        ("br", False),
        ("", False),
    ],
)
async def test_it_is_packed_where_that_is_accepted(server, accepted, packed):
    plain = await server.get("/w.js")
    answer = await server.get("/w.js", Accept_Encoding=accepted)
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert (gzip.decompress(answer.body) if packed else answer.body) == plain.body
    assert (answer.headers["etag"] != plain.headers["etag"]) is packed


@pytest.mark.parametrize("encoding", ["gzip", ""])
async def test_who_has_it_gets_304(server, encoding):
    first = await server.get("/w.js", Accept_Encoding=encoding)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await server.get("/w.js", Accept_Encoding=encoding, If_None_Match=known)
        assert (answer.status, answer.body) == (304, b"")
        for name in ("etag", "cache-control", "vary", "access-control-allow-origin"):
            assert answer.headers[name] == first.headers[name]
    for other in ('"other"', tag.strip('"'), f'"a{tag[1:]}'):
        answer = await server.get("/w.js", Accept_Encoding=encoding, If_None_Match=other)
        assert answer.status == 200


async def test_head_has_the_headers_alone(server):
    whole = await server.get("/w.js")
    async with server.connect() as client:
        await client.send(b"HEAD /w.js HTTP/1.1\r\nHost: beacon.test\r\n\r\n")
        answer = await client.answer(b"HEAD")
    assert answer.body == b""
    assert answer.headers["etag"] == whole.headers["etag"]
    assert answer.headers["content-length"] == str(len(whole.body))


async def test_it_is_only_read(server):
    answer = await server.post(b"", "/w.js")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


# -- other names ----------------------------------------------------------------------------------


async def test_all_three_are_served_under_the_names_of_the_configuration_too(named):
    assert (await named.get("/assets/app.js")).body == (await named.get("/w.js")).body
    for path in ("/notes", "/e"):
        answer = await named.post(b'{"s":"example"}', path, Origin="https://news.example")
        assert (answer.status, answer.outcome) == (204, "stored")
        assert answer.headers["access-control-allow-origin"] == "https://news.example"
    for path in ("/dot.png", "/p.gif"):
        answer = await named.get(f"{path}?s=example")
        assert (answer.status, answer.outcome) == (200, "stored")
        assert answer.headers["content-type"] == "image/gif"
    assert len(named.events) == 4
    assert named.balanced()


async def test_other_names_refuse_what_the_contract_s_refuse(named):
    answer = await named.get("/notes")
    assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS, POST")
    answer = await named.post(b"{}", "/notes", Content_Type="text/html")
    assert (answer.status, answer.outcome) == (415, "refused")
    assert (await named.get("/notes/")).status == 404


async def test_without_other_names_there_are_none(server):
    assert (await server.post(b'{"s":"example"}', "/notes")).status == 404


# -- its documentation ----------------------------------------------------------------------------


def test_every_attribute_and_option_is_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs" / "widget.md").read_text(encoding="utf-8")
    source = (ASSETS / "w.js").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `data-([a-z]+)`", guide, re.MULTILINE))
    assert described == set(re.findall(r"\bdata\.([a-z]+)", source))
    named = set(re.findall(r"^\| `widget\.([a-z_]+)`", guide, re.MULTILINE))
    assert named == set(Widget.model_fields)
