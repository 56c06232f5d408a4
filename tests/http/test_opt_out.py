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
    assert "You have not opted out everywhere" in page
    assert "except where you opted out on a single site" in page
    assert re.findall(r'<form method="post" action="([^"]+)"><button>', page) == ["/opt-out"]
    page = _text(await server.get("/opt-out", **OPTED_OUT))
    assert "You have opted out everywhere" in page
    assert re.findall(r'<form method="post" action="([^"]+)"><button>', page) == ["/opt-in"]


async def test_the_page_tells_of_third_party_cookies_and_global_privacy_control(server):
    page = _text(await server.get("/opt-out"))
    assert "third-party cookies" in page
    assert "Global Privacy Control" in page
    assert "does not tell us that Global Privacy Control is on" in page


@pytest.mark.parametrize(
    ("meaning", "does"),
    [
        ("share", "your visits are counted, and kept from partners."),
        ("drop", "your visits are not stored at all."),
        ("ignore", "it changes nothing on this server."),
    ],
)
async def test_the_page_says_what_global_privacy_control_does_here(tmp_path, meaning, does):
    async with harness(tmp_path, signals={"gpc": meaning}) as server:
        on = _text(await server.get("/opt-out", Sec_GPC="1"))
        assert f"tells us that Global Privacy Control is on: {does}" in on
        counted = "your visits are counted, without personal data" in on
        assert counted == (meaning != "drop")
        assert f"With it on, {does}" in _text(await server.get("/opt-out"))


async def test_the_page_says_what_the_button_has_done(server):
    page = _text(await server.get("/opt-out?done=out", **OPTED_OUT))
    assert "Done: from now on you are not counted." in page
    assert "Done: you are counted again, except" in _text(await server.get("/opt-out?done=in"))
    for target, headers in (("/opt-out?done=out", {}), ("/opt-out?done=in", OPTED_OUT)):
        page = _text(await server.get(target, **headers))
        assert "Your browser did not keep the choice" in page
        assert "Done" not in page


@pytest.mark.parametrize("cookie", ["", "optout=1", "optout=1; optout_here=1"])
async def test_the_page_says_what_it_cannot_see(server, cookie):
    page = _text(await server.get("/opt-out", Cookie=cookie))
    assert "What you chose with it is kept on that site" in page
    assert "cannot be seen or changed from here" in page


@pytest.mark.parametrize("target", ["/opt-out", "/opt-out?done", "/opt-out?done=maybe"])
async def test_the_page_confirms_nothing_that_was_not_done(server, target):
    assert 'id="done"' not in _text(await server.get(target))


async def test_the_page_says_so_where_cookies_are_kept_from_us(server):
    none = {"Sec_Fetch_Storage_Access": "none"}
    assert 'id="unreadable"' in _text(await server.get("/opt-out", **none))
    for headers in ({}, {"Sec_Fetch_Storage_Access": "active"}, {**none, **OPTED_OUT}):
        assert 'id="unreadable"' not in _text(await server.get("/opt-out", **headers))


async def test_an_opt_out_on_our_own_pages_is_not_taken_for_one_everywhere(secure):
    """The demonstration offers it: the page then shows `optout` and `optout_here`."""
    here = {"Cookie": "optout=1; optout_here=1"}
    answer = await secure.get("/opt-out", **here)
    assert "on one site only" in _text(answer)
    assert "Opt out everywhere" in _text(answer)
    assert all("Partitioned" in cookie for cookie in _cookies(answer))
    own = {"Origin": "https://beacon.example", **here}
    cleared = [f"optout=; {NONE}0; Partitioned", f"optout_here=; {NONE}0; Partitioned"]
    answer = await secure.post(b"", "/opt-out", **own)
    assert _cookies(answer) == [*cleared, f"optout=1; {NONE}{AGE}", f"uid=; {NONE}0; Partitioned"]
    answer = await secure.post(b"", "/opt-in", **own)
    assert _cookies(answer) == [*cleared, f"optout=; {NONE}0"]


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
    assert (answer.status, answer.headers["location"]) == (303, "/opt-out?done=out")
    assert _cookies(answer) == [f"optout=1; {NONE}{AGE}", f"uid=; {NONE}0; Partitioned"]


async def test_opting_in_clears_the_cookie(secure):
    answer = await secure.post(b"", "/opt-in", Origin="https://beacon.example")
    assert (answer.status, answer.headers["location"]) == (303, "/opt-out?done=in")
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


@pytest.mark.parametrize("target", ["/opt-out", "/opt-in"])
@pytest.mark.parametrize("origin", ["", "null", ORIGIN])
async def test_who_pressed_a_button_in_vain_is_told_why_in_words(server, target, origin):
    """Browsers that send no Origin, or `null`, are refused too: without it nobody vouches."""
    accept = "text/html,application/xhtml+xml,*/*;q=0.8"
    answer = await server.post(b"", target, Origin=origin, Accept=accept)
    assert answer.status == 403
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Nothing was changed" in _text(answer)
    assert "Global Privacy Control" in _text(answer)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("query", ["utm_source=mail", "done=out", "%ff=%fe"])
async def test_a_query_without_a_site_makes_no_per_site_form(secure, query):
    for path in ("/opt-out", "/opt-in"):
        assert (await secure.post(b"", f"{path}?{query}", Origin=ORIGIN)).status == 403
        answer = await secure.post(b"", f"{path}?{query}", Origin="https://beacon.example")
        assert answer.status == 303
        assert "access-control-allow-origin" not in answer.headers


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
    assert _cookies(answer)[:2] == [
        f"optout=1; {NONE}{AGE}; Partitioned",
        f"optout_here=1; {NONE}{AGE}; Partitioned",
    ]
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_a_site_opts_its_visitor_in_again(secure):
    answer = await secure.post(b"", "/opt-in?site=example", Origin=ORIGIN)
    assert answer.status == 204
    assert _cookies(answer) == [
        f"optout=; {NONE}0; Partitioned",
        f"optout_here=; {NONE}0; Partitioned",
    ]
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_opting_in_on_a_site_leaves_the_choice_for_all_alone(secure):
    """Browsers that know no `Partitioned` would take that cookie away."""
    answer = await secure.post(b"", "/opt-in?site=example", Origin=ORIGIN, **OPTED_OUT)
    assert answer.status == 204
    assert "set-cookie" not in answer.headers
    both = "optout=1; optout=1; optout_here=1"
    answer = await secure.post(b"", "/opt-in?site=example", Origin=ORIGIN, Cookie=both)
    assert all("Partitioned" in cookie for cookie in _cookies(answer))


@pytest.mark.parametrize("target", ["/opt-out?site=example", "/opt-in?site=example"])
async def test_the_per_site_form_is_for_scripts_not_for_forms(secure, target):
    """A form would take the visitor here, and change the choice for our own pages."""
    old_browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    for form in ({"Sec_Fetch_Mode": "navigate"}, old_browser):
        answer = await secure.post(b"", target, Origin=ORIGIN, **form)
        assert answer.status == 403
        assert "set-cookie" not in answer.headers
    for script in ({"Sec_Fetch_Mode": "cors"}, {"Accept": "*/*"}):
        assert (await secure.post(b"", target, Origin=ORIGIN, **script)).status == 204


@pytest.mark.parametrize("query", ["site=", "site", "site=!", "site=a%2Fb", "other=1&site="])
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


async def test_the_status_owns_up_to_what_it_cannot_know(server):
    none = {"Origin": ORIGIN, "Sec_Fetch_Storage_Access": "none"}
    answer = await server.get("/opt-out/status", **none)
    assert answer.json() == {"opted_out": False, "gpc": False, "readable": False}
    answer = await server.get("/opt-out/status", **none, **OPTED_OUT)  # the site's own cookie
    assert answer.json() == {"opted_out": True, "gpc": False}


@pytest.mark.parametrize(
    ("cookie", "renewed"),
    [
        ("optout=1", ["optout"]),
        ("optout=1; optout_here=1", ["optout; Partitioned", "optout_here; Partitioned"]),
        (
            "optout=1; optout_here=1; optout=1",
            ["optout", "optout; Partitioned", "optout_here; Partitioned"],
        ),
    ],
)
@pytest.mark.parametrize("fast", [True, False])
async def test_an_opt_out_for_one_site_does_not_become_one_for_all(tmp_path, cookie, renewed, fast):
    http = {"public_url": "https://beacon.example", "fast_lane": fast}
    async with harness(tmp_path, http=http) as server:
        for answer in (
            await server.get("/p.gif?s=example", Cookie=cookie),
            await server.post(b'{"s":"example"}', Cookie=cookie),
        ):
            assert answer.outcome == "opted-out"
            found = [
                text.partition("=")[0] + ("; Partitioned" if "Partitioned" in text else "")
                for text in _cookies(answer)
            ]
            assert found == renewed


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
        opted_out = await server.get("/p.gif?s=example", Cookie="uid=0123abcd; optout=1")
        assert f"uid=; {NONE}0; Partitioned" in _cookies(opted_out)
        for target in ("/opt-out", "/opt-out?site=example"):
            answer = await server.post(b"", target, Origin="https://beacon.example")
            assert f"uid=; {NONE}0; Partitioned" in _cookies(answer)
