"""Which answers scripts of other sites may read."""

import pytest

from ingest.log.sink import SinkFull, SinkTimeout
from tests.http.harness import Answer, harness, request

ORIGIN = "https://news.example"
EVENT = b'{"s":"example"}'
EXPOSED = "Beacon-Outcome, Retry-After"
TOKEN = "a-long-random-word"
CHUNKED = {"Transfer-Encoding": "chunked"}


def _cors(answer: Answer) -> dict[str, str]:
    start = "access-control-"
    return {
        name.removeprefix(start): text
        for name, text in answer.headers.items()
        if name.startswith(start)
    }


def _readable(answer: Answer, origin: str = ORIGIN) -> bool:
    expected = {"allow-origin": origin, "allow-credentials": "true", "expose-headers": EXPOSED}
    return _cors(answer) == expected and answer.headers["vary"] == "Origin"


@pytest.fixture(params=[True, False], ids=["fast lane", "slow lane"])
async def server(tmp_path, request):
    async with harness(tmp_path, http={"fast_lane": request.param, "body_timeout": 0.3}) as made:
        yield made


@pytest.mark.parametrize(
    "origin",
    [ORIGIN, "http://localhost:3000", "http://[2001:db8::1]:8080", "chrome-extension://abcdef"],
)
async def test_events_echo_the_origin(server, origin):
    answer = await server.post(EVENT, Origin=origin)
    assert answer.status == 204
    assert _readable(answer, origin)


@pytest.mark.parametrize("origin", ["", "null", "https://a.example/path", "*", 'https://"x"'])
async def test_without_a_usable_origin_the_ping_counts_and_nothing_is_allowed(server, origin):
    answer = await server.post(EVENT, Origin=origin)
    assert (answer.status, answer.outcome) == (204, "stored")
    assert _cors(answer) == {}
    assert answer.headers["vary"] == "Origin"


async def test_a_rejected_event_is_readable(server):
    answer = await server.post(b'{"s":"!"}', Origin=ORIGIN)
    assert answer.status == 400
    assert _readable(answer)


async def test_an_array_with_results_is_readable(server):
    answer = await server.post(b'[{"s":"a"},{"s":"!"}]', Origin=ORIGIN)
    assert answer.status == 207
    assert _readable(answer)


async def test_a_wrong_content_type_is_readable(server):
    answer = await server.post(EVENT, Origin=ORIGIN, Content_Type="text/html")
    assert answer.status == 415
    assert _readable(answer)


async def test_a_wrong_method_is_readable(server):
    answer = await server.get("/e", Origin=ORIGIN)
    assert answer.status == 405
    assert _readable(answer)


@pytest.mark.parametrize(
    "sent",
    [
        request("POST", "/e", {"Origin": ORIGIN, "Content-Length": "65537"}),
        request("POST", "/e", {"Origin": ORIGIN, **CHUNKED}, b"10001\r\n" + b" " * 0x10001),
    ],
    ids=["counted", "chunked"],
)
async def test_a_body_too_large_is_readable(server, sent):
    answer = await server.send(sent)
    assert answer.status == 413
    assert _readable(answer)


async def test_a_malformed_chunk_is_readable(server):
    answer = await server.post(b"ZZ\r\n", Origin=ORIGIN, Transfer_Encoding="chunked")
    assert answer.status == 400
    assert _readable(answer)


@pytest.mark.parametrize("more", [{"Content-Length": "100"}, CHUNKED], ids=["counted", "chunked"])
async def test_a_body_that_does_not_come_is_readable(server, more):
    answer = await server.send(request("POST", "/e", {"Origin": ORIGIN, **more}, b"f\r\n{"))
    assert answer.status == 408
    assert _readable(answer)


@pytest.mark.parametrize("error", [SinkFull("full"), SinkTimeout("late")], ids=["shed", "failed"])
async def test_an_event_that_is_not_stored_is_readable(server, error):
    server.sink.error = error
    for body in (EVENT, b"[%b]" % EVENT):
        answer = await server.post(body, Origin=ORIGIN)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert _readable(answer)


async def test_an_opted_out_or_ignored_event_is_readable(server):
    for headers in ({"Cookie": "optout=1"}, {"Sec_Purpose": "prefetch"}):
        answer = await server.post(EVENT, Origin=ORIGIN, **headers)
        assert answer.status == 204
        assert _readable(answer)


async def test_the_preflight_allows_a_json_post(server):
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = await server.send(request("OPTIONS", "/e", asked))
    assert (answer.status, answer.body) == (204, b"")
    assert _cors(answer) == {
        "allow-origin": ORIGIN,
        "allow-credentials": "true",
        "expose-headers": EXPOSED,
        "allow-methods": "POST",
        "allow-headers": "content-type",
        "max-age": "7200",
    }
    assert answer.headers["vary"] == "Origin"


async def test_a_preflight_without_a_usable_origin_allows_nothing(server):
    for origin in ("", "null"):
        answer = await server.send(request("OPTIONS", "/e", {"Origin": origin}))
        assert answer.status == 204
        assert _cors(answer) == {}


@pytest.mark.parametrize("target", ["/badge/example.svg", "/badge/example.json"])
async def test_badges_are_for_everyone(server, target):
    for headers in ({}, {"Origin": ORIGIN}, {"Cookie": "optout=1"}):
        assert _cors(await server.get(target, **headers)) == {"allow-origin": "*"}


@pytest.mark.parametrize("target", ["/p.gif?s=example", "/p.gif", "/badge/a.svg", "/badge/!.svg"])
async def test_images_may_be_embedded_anywhere_and_are_nothing_else(server, target):
    answer = await server.get(target)
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.fixture
async def listed(tmp_path):
    file = tmp_path / "sites.toml"
    file.write_text(f'[sites.open]\npublic = true\n[sites.closed]\ntoken = "{TOKEN}"\n')
    async with harness(tmp_path, sites={"file": file}, stats={"max_viewers": 1}) as made:
        yield made


@pytest.mark.parametrize(
    ("target", "status"),
    [
        *((f"sites/{site}/{what}", 404)
          for site in ("unknown", "-bad", "a" * 65, "%21", "a%20b", "caf%C3%A9")
          for what in ("now", "stats", "stream")),
        ("sites/open/stats?by=colour", 400),
        ("sites/open/stats?from=yesterday", 400),
        ("sites/open/else", 404),
        ("sites/open", 404),
        ("nothing", 404),
    ],
)  # fmt: skip
async def test_errors_of_the_api_are_readable_by_everyone(listed, target, status):
    answer = await listed.get(f"/api/v1/{target}", Origin=ORIGIN)
    assert answer.status == status
    assert answer.json()["status"] == status
    assert _cors(answer) == {"allow-origin": "*"}


async def test_a_wrong_method_at_the_api_is_readable_by_everyone(listed):
    for what in ("now", "stats", "stream"):
        answer = await listed.post(b"", f"/api/v1/sites/open/{what}", Origin=ORIGIN)
        assert answer.status == 405
        assert _cors(answer) == {"allow-origin": "*"}


async def test_a_fault_of_ours_at_the_api_is_readable_by_everyone(listed, monkeypatch):
    monkeypatch.setattr(listed.api.counts, "_queries", None)
    answer = await listed.get("/api/v1/sites/open/now", Origin=ORIGIN)
    assert answer.status == 500
    assert _cors(answer) == {"allow-origin": "*"}


@pytest.mark.parametrize("what", ["now", "stats", "stream", "stats?by=colour"])
async def test_nothing_about_a_private_site_is_readable_by_others(listed, what):
    granted = {"Authorization": f"Bearer {TOKEN}"} if what.endswith("colour") else {}
    answer = await listed.get(f"/api/v1/sites/closed/{what}", Origin=ORIGIN, **granted)
    assert answer.status == (400 if granted else 401)
    assert _cors(answer) == {}


async def test_the_pixel_and_pages_are_readable_by_no_other_site(server):
    for target in ("/p.gif?s=example", "/opt-out", "/", "/nothing", "/live/-bad"):
        assert _cors(await server.get(target, Origin=ORIGIN)) == {}
