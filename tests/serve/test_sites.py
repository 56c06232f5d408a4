"""The sites file in a running server: read at the start, and again on SIGHUP."""

import signal

import pytest

from tests.support.raw import request
from tests.support.server import start_server
from tests.support.wait import until

TOKEN = "a-long-random-word"


def test_the_file_is_read_again_on_sighup_and_a_bad_one_is_not_taken(tmp_path):
    file = tmp_path / "sites.toml"
    file.write_text("[sites.a]\npublic = true\n")

    def outcome(site: str) -> str | None:
        return request(server.url, f"/p.gif?s={site}").outcome

    with start_server(tmp_path, "--set", f"sites.file={file}") as server:
        assert (outcome("a"), outcome("b")) == ("stored", "rejected")
        file.write_text(f'[sites.b]\ntoken = "{TOKEN}"\n')
        server.signal(signal.SIGHUP)
        until(lambda: server.logged("sites file read again"))
        assert (outcome("a"), outcome("b")) == ("rejected", "stored")
        file.write_text(f'[sites.c]\ntoken = "{TOKEN} {TOKEN}"\n')
        server.signal(signal.SIGHUP)
        (line,) = until(lambda: server.logged("sites file not taken, the earlier one holds"))
        assert 'sites."c".token' in line["reason"]
        assert (outcome("b"), outcome("c")) == ("stored", "rejected")
        assert TOKEN not in server.stderr_text()


BROWSER = {"Accept": "text/html"}


def test_pages_go_by_the_file_as_it_is_now(tmp_path):
    file = tmp_path / "sites.toml"
    file.write_text(f'[sites.a]\ntoken = "{TOKEN}"\n')

    def page(path: str, cookie: str = "") -> tuple[int, str]:
        answer = request(server.url, path, headers={**BROWSER, "Cookie": cookie})
        return answer.status, answer.body.decode()

    def reload(sites: str) -> None:
        before = len(server.logged("sites file read again"))
        file.write_text(sites)
        server.signal(signal.SIGHUP)
        until(lambda: len(server.logged("sites file read again")) > before)

    with start_server(tmp_path, "--set", f"sites.file={file}") as server:
        given = request(server.url, f"/live/a?token={TOKEN}", headers=BROWSER)
        cookie = given.headers["set-cookie"].partition(";")[0]
        assert page("/live/a", cookie)[0] == 200
        assert "are private" in page("/live/a")[1]
        assert page("/live/demo")[0] == 404
        assert "It is not at work" in page("/demo")[1]
        reload(f'[sites.a]\ntoken = "another-{TOKEN}"\n[sites.demo]\npublic = true\n')
        assert page("/live/a", cookie)[0] == 401
        assert page("/live/demo")[0] == 200
        assert "It is at work" in page("/demo")[1]
        reload("[sites.a]\npublic = true\n")
        assert page("/live/a")[0] == 200
        assert "No such site" in page("/live/demo")[1]
        assert "demo is none of the sites" in page("/demo?site=demo")[1]


def test_a_readers_cookie_outlives_a_restart(tmp_path):
    file = tmp_path / "sites.toml"
    file.write_text(f'[sites.a]\ntoken = "{TOKEN}"\n')
    with start_server(tmp_path, "--set", f"sites.file={file}") as server:
        given = request(server.url, f"/live/a?token={TOKEN}")
        cookie = {"Cookie": given.headers["set-cookie"].partition(";")[0]}
        assert server.terminate() == 0
    with start_server(tmp_path, "--set", f"sites.file={file}") as server:
        assert request(server.url, "/live/a", headers=cookie).status == 200


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), False),
        (("--set", "http.public_url=https://beacon.example"), False),
        (("--set", "http.public_url=http://beacon.example"), True),
    ],
)
def test_private_sites_without_https_are_warned_of(tmp_path, flags, said):
    file = tmp_path / "sites.toml"
    file.write_text(f'[sites.a]\ntoken = "{TOKEN}"\n')
    with start_server(tmp_path, "--set", f"sites.file={file}", *flags) as server:
        assert server.terminate() == 0
        assert bool(server.logged("private sites are read in clear")) is said


def test_a_bad_file_stops_the_start_and_is_named(tmp_path):
    file = tmp_path / "sites.toml"
    file.write_text("[sites.a]\npublic = sure\n")
    with start_server(tmp_path, "--set", f"sites.file={file}", wait=False) as server:
        assert server.wait() == 2
        assert f"{file}: is not TOML" in server.stderr_text()
        assert "line 2" in server.stderr_text()
