"""The opt-out: its page, its forms, its cookies."""

import base64
import hashlib
import re

import pytest

from tests.http.harness import Answer, harness

ORIGIN = "https://news.example"
OWN = "http://beacon.test"
OPTED_OUT = {"Cookie": "a=b; optout=1"}
LAX = "SameSite=Lax; HttpOnly; Path=/; Max-Age="
NONE = "SameSite=None; Secure; HttpOnly; Path=/; Max-Age="
AGE = "34560000"


def _cookies(answer: Answer) -> list[str]:
    return answer.headers.get("set-cookie", "").split("\n")


def _text(answer: Answer) -> str:
    return answer.body.decode()


@pytest.fixture
async def server(tmp_path):
    """Reached by plain HTTP under a name: `beacon.test`."""
    async with harness(tmp_path) as made:
        yield made


@pytest.fixture
async def secure(tmp_path):
    async with harness(tmp_path, http={"public_url": "https://beacon.example"}) as made:
        yield made


# -- the page -------------------------------------------------------------------------------------


async def test_the_page_says_the_status_and_offers_the_other(server):
    page = _text(await server.get("/opt-out"))
    assert "You have not opted out" in page
    assert re.findall(r'<form method="post" action="([^"]+)"><button>', page) == ["/opt-out"]
    page = _text(await server.get("/opt-out", **OPTED_OUT))
    assert "You have opted out" in page
    assert re.findall(r'<form method="post" action="([^"]+)"><button>', page) == ["/opt-in"]


async def test_the_page_tells_of_third_party_cookies_and_global_privacy_control(server):
    page = _text(await server.get("/opt-out"))
    assert "third-party cookies" in page
    assert "Global Privacy Control" in page
    assert "does not tell us that it is on" in page
    assert "tells us that it is on" in _text(await server.get("/opt-out", Sec_GPC="1"))


async def test_the_page_says_so_where_the_choice_does_not_reach_other_sites(server, secure):
    assert "does not reach them" in _text(await server.get("/opt-out"))
    assert "does not reach them" not in _text(await secure.get("/opt-out"))


async def test_the_page_needs_no_script_and_loads_nothing(server):
    answer = await server.get("/opt-out")
    page = _text(answer)
    assert not re.search(r"<script|<link|<img|<iframe| on[a-z]+=|url\(", page)
    directives = answer.headers["content-security-policy"].split("; ")
    assert directives[0] == "default-src 'none'"
    assert {"frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} <= set(directives)
    style = re.findall(r"<style>(.*?)</style>", page)[0].encode()
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in directives


async def test_pages_keep_the_origin_of_their_own_forms(server):
    for target in ("/opt-out", "/"):
        headers = (await server.get(target)).headers
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


# -- everywhere: the form on our page -------------------------------------------------------------


async def test_opting_out_sets_the_cookie_forgets_the_number_and_returns_to_the_page(secure):
    answer = await secure.post(b"", "/opt-out", Origin="https://beacon.example")
    assert (answer.status, answer.headers["location"]) == (303, "/opt-out")
    assert _cookies(answer) == [f"optout=1; {NONE}{AGE}", f"uid=; {NONE}0; Partitioned"]


async def test_opting_in_clears_the_cookie(secure):
    answer = await secure.post(b"", "/opt-in", Origin="https://beacon.example")
    assert (answer.status, answer.headers["location"]) == (303, "/opt-out")
    assert _cookies(answer) == [f"optout=; {NONE}0"]


@pytest.mark.parametrize("target", ["/opt-out", "/opt-in"])
@pytest.mark.parametrize(
    "origin",
    ["", "null", ORIGIN, "https://beacon.test", "http://beacon.test.evil.example", "beacon.test"],
)
async def test_the_choice_changes_from_our_own_page_only(server, target, origin):
    answer = await server.post(b"", target, Origin=origin)
    assert answer.status == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "set-cookie" not in answer.headers


async def test_a_host_that_the_request_names_is_not_ours_where_our_origin_is_configured(secure):
    answer = await secure.post(b"", "/opt-out", Origin=OWN)
    assert answer.status == 403


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://Beacon.Example", "https://beacon.example"),
        ("https://beacon.example:443", "https://beacon.example"),
        ("https://beacon.example:8443", "https://beacon.example:8443"),
        ("https://beacon.example/", "https://beacon.example"),
        ("http://[2001:DB8::1]:80", "http://[2001:db8::1]"),
    ],
)
async def test_our_origin_is_compared_as_browsers_write_it(tmp_path, public_url, origin):
    async with harness(tmp_path, http={"public_url": public_url}) as server:
        assert (await server.post(b"", "/opt-out", Origin=origin)).status == 303


async def test_our_origin_comes_from_the_host_without_its_default_port(server):
    answer = await server.post(b"", "/opt-out", Host="Beacon.test:80", Origin=OWN)
    assert answer.status == 303


# -- here: the per-site form of the widget --------------------------------------------------------


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
async def test_a_site_opts_its_visitor_out_for_itself_only(secure, origin):
    answer = await secure.post(b"", "/opt-out?site=example", Origin=origin)
    assert (answer.status, answer.body) == (204, b"")
    assert _cookies(answer)[0] == f"optout=1; {NONE}{AGE}; Partitioned"
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_a_site_opts_its_visitor_in_again(secure):
    answer = await secure.post(b"", "/opt-in?site=example", Origin=ORIGIN)
    assert answer.status == 204
    assert _cookies(answer) == [f"optout=; {NONE}0; Partitioned"]
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("query", ["site=", "site=!", "site=a%2Fb", "other=1", "%ff=%fe"])
async def test_a_bad_site_name_is_named_and_changes_nothing(secure, query):
    for path in ("/opt-out", "/opt-in"):
        answer = await secure.post(b"", f"{path}?{query}", Origin=ORIGIN)
        assert (answer.status, answer.json()["field"]) == (400, "site")
        assert "set-cookie" not in answer.headers
        assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("target", ["/opt-out?site=example", "/opt-in?site=example"])
async def test_over_plain_http_a_site_cannot_change_the_choice_for_all(server, target):
    """Without HTTPS cookies are not partitioned: there is one for all sites."""
    answer = await server.post(b"", target, Origin=ORIGIN)
    assert answer.status == 204
    assert "set-cookie" not in answer.headers


# -- the status for other sites -------------------------------------------------------------------


async def test_the_status_is_readable_by_other_sites_with_cookies(server):
    answer = await server.get("/opt-out/status", Origin=ORIGIN)
    assert answer.json() == {"opted_out": False, "gpc": False}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["cache-control"] == "no-store"
    answer = await server.get("/opt-out/status", Sec_GPC="1", **OPTED_OUT)
    assert answer.json() == {"opted_out": True, "gpc": True}
    assert "access-control-allow-origin" not in answer.headers


# -- cookies --------------------------------------------------------------------------------------


async def _renewed(server, **headers: str) -> str:
    answer = await server.get("/p.gif?s=example", **OPTED_OUT, **headers)
    assert answer.outcome == "opted-out"
    return answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("public_url", "attributes"),
    [
        ("https://beacon.example", NONE),
        ("http://beacon.example", LAX),
        ("http://localhost:8080", NONE),
        ("http://127.0.0.1:8080", NONE),
        ("http://127.9.9.9", NONE),
        ("http://[::1]:8080", NONE),
        ("http://[::1]", NONE),
        ("http://a.localhost", NONE),
        ("http://127.0.0.1.evil.example", LAX),
        ("http://localhost.example", LAX),
        ("http://192.0.2.1", LAX),
    ],
)
async def test_the_public_url_decides_the_attributes(tmp_path, public_url, attributes):
    async with harness(tmp_path, http={"public_url": public_url}) as server:
        for headers in ({}, {"X_Forwarded_Proto": "https", "Host": "localhost"}):
            assert await _renewed(server, **headers) == f"optout=1; {attributes}{AGE}"


@pytest.mark.parametrize(
    ("host", "attributes"),
    [("beacon.test", LAX), ("localhost:8080", NONE), ("127.0.0.1", NONE), ("[::1]:80", NONE)],
)
async def test_without_a_public_url_the_host_decides(server, host, attributes):
    assert await _renewed(server, Host=host) == f"optout=1; {attributes}{AGE}"


async def test_x_forwarded_proto_counts_from_a_trusted_proxy_only(tmp_path, server):
    proto = {"X_Forwarded_Proto": "https"}
    assert LAX in await _renewed(server, **proto)
    async with harness(tmp_path / "x", http={"trusted_proxies": ("127.0.0.0/8",)}) as behind:
        assert NONE in await _renewed(behind, **proto)
        assert LAX in await _renewed(behind, X_Forwarded_Proto="http")
        assert LAX in await _renewed(behind)
        assert NONE in await _renewed(behind, Forwarded="for=192.0.2.1;proto=https")
        answer = await behind.post(b"", "/opt-out", Origin="https://beacon.test", **proto)
        assert answer.status == 303
        assert (await behind.post(b"", "/opt-out", Origin=OWN, **proto)).status == 403


async def test_every_opted_out_answer_renews_the_cookie(secure):
    renewed = f"optout=1; {NONE}{AGE}"
    for target in ("/p.gif?s=example", "/badge/example.svg", "/opt-out"):
        assert _cookies(await secure.get(target, **OPTED_OUT)) == [renewed]
    for body in (b'{"s":"example"}', b'[{"s":"example"}]', b"no JSON"):
        answer = await secure.post(body, **OPTED_OUT)
        assert (answer.status, _cookies(answer)) == (204, [renewed])
    assert secure.events == []
    assert secure.rejected == []


async def test_no_cookie_is_set_unasked(secure):
    for target in ("/p.gif?s=example", "/badge/example.svg", "/opt-out", "/opt-out/status", "/"):
        assert "set-cookie" not in (await secure.get(target)).headers
    assert "set-cookie" not in (await secure.post(b'{"s":"example"}')).headers


async def test_in_cookie_mode_a_stored_ping_sets_the_number_and_opting_out_clears_it(tmp_path):
    options = {"http": {"public_url": "https://beacon.example"}, "visitor": {"mode": "cookie"}}
    async with harness(tmp_path, **options) as server:
        answer = await server.get("/p.gif?s=example")
        (cookie,) = _cookies(answer)
        assert re.fullmatch(r"uid=[^;]+; " + re.escape(f"{NONE}{AGE}; Partitioned"), cookie)
        again = await server.get("/p.gif?s=example", Cookie=cookie.partition(";")[0])
        assert "set-cookie" not in again.headers
        first, second = server.events
        assert first["visitor"] == second["visitor"]
        opted_out = await server.get("/p.gif?s=example", Cookie="uid=x; optout=1")
        assert not any(
            cookie.startswith("uid=") and "Max-Age=3" in cookie for cookie in _cookies(opted_out)
        )
        for target in ("/opt-out", "/opt-out?site=example"):
            answer = await server.post(b"", target, Origin="https://beacon.example")
            assert f"uid=; {NONE}0; Partitioned" in _cookies(answer)
