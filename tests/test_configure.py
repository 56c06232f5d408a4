"""Where values come from: the file, the environment over it, flags over both."""

import itertools
from ipaddress import ip_network
from pathlib import Path

import pytest

from ingest.configure import ConfigError, load, options


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ingest.toml"


def _refusal(file: Path | None, environment: dict[str, str], *flags: tuple[str, str]) -> str:
    with pytest.raises(ConfigError) as refused:
        load(file, environment, flags)
    return str(refused.value)


@pytest.mark.parametrize(
    ("in_file", "in_environment", "by_flag"), list(itertools.product((False, True), repeat=3))
)
def test_flags_beat_the_environment_which_beats_the_file(file, in_file, in_environment, by_flag):
    file.write_text("[http]\nport = 1001\n" if in_file else "")
    environment = {"BEACON_HTTP__PORT": "1002"} if in_environment else {}
    flags = [("http.port", "1003")] if by_flag else []
    port = load(file, environment, flags).http.port
    given = ((by_flag, 1003), (in_environment, 1002), (in_file, 1001), (True, 8080))
    assert port == next(value for is_given, value in given if is_given)


def test_a_table_keeps_what_a_later_source_does_not_name(file):
    file.write_text('data_dir = "a"\n[http]\nport = 1\nhost = "::1"\n')
    config = load(file, {"BEACON_HTTP__PORT": "2"}, [("http.fast_lane", "false")])
    assert (config.http.port, config.http.host, config.http.fast_lane) == (2, "::1", False)
    assert config.data_dir == Path("a")


def test_of_two_flags_the_later_wins():
    assert load(None, {}, [("http.port", "1"), ("http.port", "2")]).http.port == 2


@pytest.mark.parametrize("text", ['["10.0.0.0/8"]', "10.0.0.0/8", " 10.0.0.0/8 ,"])
def test_the_environment_form_of_a_list(text):
    config = load(None, {"BEACON_HTTP__TRUSTED_PROXIES": text}, ())
    assert config.http.trusted_proxies == (ip_network("10.0.0.0/8"),)


def test_a_list_can_be_emptied(file):
    file.write_text('[headers]\nallow = ["dnt"]\n')
    assert load(file, {"BEACON_HEADERS__ALLOW": "[]"}, ()).headers.allow == ()
    assert load(file, {"BEACON_HEADERS__ALLOW": ""}, ()).headers.allow == ()


def test_text_is_taken_as_it_stands():
    flags = [
        ("kafka.security_protocol", "SASL_SSL"),
        ("kafka.sasl_username", "0123"),
        ("kafka.sasl_password", '["x"] , true'),
        ("data_dir", "7"),
    ]
    config = load(None, {}, flags)
    assert config.kafka.sasl_username == "0123"
    assert config.kafka.sasl_password is not None
    assert config.kafka.sasl_password.get_secret_value() == '["x"] , true'
    assert config.data_dir == Path("7")


def test_other_variables_are_not_looked_at():
    load(None, {"PATH": "x", "BEACONS_HTTP__PORT": "no", "HTTP__PORT": "no"}, ())


def test_an_unknown_key_is_named_in_each_source(file):
    file.write_text("[http]\nprot = 1\n")
    assert _refusal(file, {}) == f"{file}: http.prot: no such option (did you mean http.port?)"
    said = _refusal(None, {"BEACON_HTTP__PROT": "1"})
    assert said == "BEACON_HTTP__PROT: no such option (did you mean BEACON_HTTP__PORT?)"
    said = _refusal(None, {}, ("http.prot", "1"))
    assert said == "http.prot: no such option (did you mean http.port?)"


def test_an_unknown_table_is_named(file):
    file.write_text("[htpp]\nport = 1\n")
    assert _refusal(file, {}).startswith("htpp: no such option")


def test_a_table_is_no_option():
    assert "http: no such option" in _refusal(None, {}, ("http", "{}"))
    assert "BEACON_HTTP: no such option" in _refusal(None, {"BEACON_HTTP": "{}"})


def test_a_value_where_a_table_belongs_is_named(file):
    file.write_text("http = 8080\n")
    assert _refusal(file, {}, ("http.port", "1")).startswith(f"{file}: http: ")


def test_a_bad_value_is_named_in_each_source(file):
    file.write_text('[http]\nport = "many"\n')
    assert _refusal(file, {}).startswith(f"{file}: http.port: ")
    file.write_text('[http]\ntrusted_proxies = ["10.0.0.0/8", "everywhere"]\n')
    assert _refusal(file, {}).startswith(f"{file}: http.trusted_proxies.1: ")
    assert _refusal(None, {"BEACON_HTTP__PORT": "many"}).startswith("http.port: ")
    assert _refusal(None, {}, ("http.port", "many")).startswith("http.port: ")


def test_a_value_over_that_of_the_file_is_not_the_files(file):
    file.write_text("[http]\nport = 1\n")
    assert _refusal(file, {}, ("http.port", "many")).startswith("http.port: ")
    assert _refusal(file, {}, ("admin.port", "many")).startswith("admin.port: ")


def test_all_problems_are_told_at_once():
    said = _refusal(None, {"BEACON_A": "1", "BEACON_B": "2"}, ("c.d", "3")).splitlines()
    assert [line.partition(":")[0] for line in said] == ["BEACON_A", "BEACON_B", "c.d"]
    said = _refusal(None, {}, ("http.port", "x"), ("admin.port", "y")).splitlines()
    assert [line.partition(":")[0] for line in said] == ["http.port", "admin.port"]


def test_a_file_that_cannot_be_read_is_named(file):
    assert _refusal(file, {}) == f"{file}: cannot be read: No such file or directory"
    file.write_text("[http\n")
    assert _refusal(file, {}).startswith(f"{file}: is not TOML: ")
    file.write_bytes(b"\xff\xfe")
    assert _refusal(file, {}).startswith(f"{file}: is not TOML: ")


def test_the_process_environment_is_not_read_by_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BEACON_HTTP__PORT", "1")
    assert load(None, {}, ()).http.port == 8080


def test_names_and_variables_are_each_one_option():
    names, variables = zip(*((option.name, option.env) for option in options()), strict=True)
    assert len(set(names)) == len(set(variables)) == len(names)
    assert "BEACON_HTTP__TRUSTED_PROXIES" in variables
    assert "BEACON_DATA_DIR" in variables


def test_every_default_can_be_given_by_hand():
    """What the table shows is what one would write."""
    for option in options():
        if option.default:
            assert load(None, {option.env: option.default}, ()) == load(None, {}, ()), option.name
