"""The sites file: what it may say, what is wrong with it, and `ingest sites check`."""

import contextlib
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.__main__ import main
from ingest.sites_file import SitesError, read_sites

KEEP = ("utm_*", "ref")
TOKEN = "a-long-random-word"
GOOD = f"""
[sites."Example.org"]
origins = ["https://Example.org/", "http://example.org:80"]
keep_params = ["page"]
public = true

[sites.inside]
token = "{TOKEN}"

[sites.hashed]
token_sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sites.toml"


def mistakes(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(SitesError) as error:
        read_sites(file, KEEP)
    return str(error.value)


def test_a_file_says_what_holds_for_each_site(file):
    file.write_text(GOOD)
    found = read_sites(file, KEEP)
    example, inside, hashed = (found[name] for name in ("example.org", "inside", "hashed"))
    assert example.public
    assert example.origins == {b"https://example.org", b"http://example.org"}
    assert example.urls.keep_params == ("page",)
    assert not inside.public
    assert inside.urls.keep_params == KEEP
    assert inside.token_hash == hashed.token_hash == hashlib.sha256(TOKEN.encode()).digest()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[sites."a"]\npublic = tru', "is not TOML: Invalid value (at line 2"),
        ("[sites.a]\npublic = true\n[sites.a]\npublic = true", "line 3"),
        ("[site.a]\npublic = true", 'site: no such key; sites are tables such as'),
        ("sites = 3", "sites: must hold tables"),
        ('[sites."a b"]\npublic = true', 'sites."a b": is no site\'s name'),
        ("[sites.a]\npublic = true\n[sites.A]\npublic = true", 'sites."A": is there twice'),
        ("[sites.example.org]\npublic = true", "a name with a dot is put in quotes"),
        ("[sites.a]", 'sites."a": give one of public = true, token and token_sha256'),
        (f'[sites.a]\npublic = true\ntoken = "{TOKEN}"', "give one of"),
        ('[sites.a]\ntoken = "short-secret"', 'sites."a".token: must be 16 to 512'),
        ('[sites.a]\ntoken = "with a space; and more"', 'sites."a".token: must be 16'),
        ('[sites.a]\ntoken_sha256 = "12"', 'sites."a".token_sha256: '),
        ('[sites.a]\npublic = true\norigins = ["example.org"]', 'sites."a".origins.0: '),
        ('[sites.a]\npublic = true\nkeep_params = ["a b"]', 'sites."a".keep_params.0: '),
        ('[sites.a]\npublic = "often"', 'sites."a".public: '),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(file, text, said):
    message = mistakes(file, text)
    assert said in message
    assert message.startswith(f"{file}: ")
    assert "secret" not in message
    assert "and more" not in message


def test_every_mistake_is_named(file):
    text = '[sites.a]\npublic = 2\n[sites."b c"]\npublic = true'
    assert len(mistakes(file, text).splitlines()) == 2


def test_no_mistake_of_a_site_hides_that_nobody_may_read_it(file):
    said = mistakes(file, '[sites.a]\norigins = ["example.org"]').splitlines()
    assert len(said) == 2
    assert any("give one of public = true, token and token_sha256" in line for line in said)
    assert any('sites."a".origins.0: ' in line for line in said)


def test_a_file_that_is_not_there_is_named(file):
    with pytest.raises(SitesError, match="cannot be read: No such file"):
        read_sites(file, KEEP)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("sites") / "sites.toml"
    path.write_bytes(data)
    with contextlib.suppress(SitesError):
        read_sites(path, KEEP)


def test_check_prints_what_it_understood_and_no_token(file, capsys):
    file.write_text(GOOD)
    assert main(["sites", "check", str(file)]) == 0
    out = capsys.readouterr().out
    origins = "http://example.org, https://example.org"
    assert f"example.org: public; origins: {origins}; keeps parameters: page" in out
    assert "inside: read with a token; origins: not listed; keeps parameters: utm_*, ref" in out
    assert "3 sites, no mistake found" in out
    assert TOKEN not in out


def test_check_warns_of_a_file_without_a_site(file, capsys):
    file.write_text("# none yet")
    assert main(["sites", "check", str(file)]) == 0
    assert f"warning: {file}: names no site: every ping is rejected" in capsys.readouterr().err


def test_check_takes_the_configured_file(file, capsys):
    file.write_text("[sites.a]\npublic = true")
    assert main(["sites", "check", "--set", f"sites.file={file}"]) == 0
    assert "1 site," in capsys.readouterr().out


def test_check_fails_on_a_mistake_and_without_a_file(file, capsys):
    file.write_text("[sites.a]")
    assert main(["sites", "check", str(file)]) == 1
    assert "ingest: " in capsys.readouterr().err
    assert main(["sites", "check"]) == 1
    assert "name a file to check" in capsys.readouterr().err
