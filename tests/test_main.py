"""The words of the command line, and its exit codes."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingest import __version__
from ingest.__main__ import main
from ingest.config import Config
from tests.support.server import clean_environment

COMMANDS = ("serve", "tail", "topics", "quarantine", "check-config")


@pytest.fixture(autouse=True)
def _no_variables_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("BEACON_"):
            monkeypatch.delenv(name)


def _run(*words: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "ingest", *words],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(environment),
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The configurations that `serve` was called with, instead of serving."""
    configs: list[Config] = []

    def serve(config: Config) -> int:
        configs.append(config)
        return 0

    monkeypatch.setattr("ingest.app.serve", serve)
    return configs


def _exit(words: Sequence[str]) -> int | str | None:
    with pytest.raises(SystemExit) as exited:
        main(words)
    return exited.value.code


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]):
    assert _exit(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(re.search(rf"^    {command}\s", text, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_on_its_flags(command, capsys: pytest.CaptureFixture[str]):
    assert _exit([command, "--help"]) == 0
    text = capsys.readouterr().out
    for flag in ("--config FILE", "--set NAME=VALUE", "--data-dir VALUE", "--kafka VALUE"):
        assert flag in text
    assert "`" not in text


def test_help_of_serve_shows_defaults(capsys: pytest.CaptureFixture[str]):
    _exit(["serve", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "(default 8080)" in text
    assert "(default 127.0.0.1)" in text


def test_version(capsys: pytest.CaptureFixture[str]):
    assert _exit(["--version"]) == 0
    assert capsys.readouterr().out == f"ingest {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [[], ["nonsense"], ["serve", "--nonsense"], ["topics"], ["topics", "delete"],
     ["quarantine"], ["quarantine", "delete"], ["tail", "--from", "yesterday"],
     ["tail", "--topic", "else"], ["tail", "--port", "1"]],
)  # fmt: skip
def test_bad_words_exit_2(words, capsys: pytest.CaptureFixture[str]):
    assert _exit(words) == 2
    assert "usage: ingest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "http.prot=1"], "http.prot: no such option (did you mean http.port?)"),
        (["--set", "http.port=many"], "http.port: "),
        (["--port", "99999"], "http.port: "),
        (["--set", "http.port"], "--set http.port: give it as NAME=VALUE"),
        (["--config", "/nowhere/ingest.toml"], "/nowhere/ingest.toml: cannot be read"),
        (["--kafka", "kafka"], "kafka.bootstrap_servers.0: 'kafka' is not HOST:PORT"),
        (["--role", "stats"], "role stats needs kafka.bootstrap_servers"),
    ],
)
def test_a_bad_configuration_exits_2_and_names_it(
    words, said, served: list[Config], capsys: pytest.CaptureFixture[str]
):
    assert main(["serve", *words]) == 2
    err = capsys.readouterr().err
    assert all(line.startswith("ingest: ") for line in err.splitlines())
    assert said in err
    assert served == []


def test_set_takes_any_option_and_may_come_often(served: list[Config]):
    words = ["--set", "http.fast_lane=false", "--set", "url.keep_params=a,b"]
    words += ["--set", "visitor.key_file=k=1"]
    assert main(["serve", *words]) == 0
    (config,) = served
    assert config.http.fast_lane is False
    assert config.url.keep_params == ("a", "b")
    assert config.visitor.key_file == Path("k=1")


def test_every_flag_of_serve_reaches_its_option(served: list[Config]):
    words = ["--host", "::1", "--port", "1", "--admin-port", "2", "--data-dir", "d"]
    words += ["--kafka", "a:1,b:2", "--role", "collector", "--workers", "3"]
    assert main(["serve", *words]) == 0
    (config,) = served
    assert (config.http.host, config.http.port, config.admin.port) == ("::1", 1, 2)
    assert config.data_dir == Path("d")
    assert config.kafka.bootstrap_servers == ("a:1", "b:2")
    assert (config.role, config.workers) == ("collector", 3)


def test_flags_beat_the_environment_and_the_file(
    tmp_path: Path, served: list[Config], monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "ingest.toml"
    file.write_text("[http]\nport = 1\n[admin]\nport = 1\n[shutdown]\ngrace = 1\n")
    monkeypatch.setenv("BEACON_HTTP__PORT", "2")
    monkeypatch.setenv("BEACON_ADMIN__PORT", "2")
    assert main(["serve", "--config", str(file), "--port", "3"]) == 0
    (config,) = served
    assert (config.http.port, config.admin.port, config.shutdown.grace) == (3, 2, 1)


def test_a_name_of_its_own_beats_set(served: list[Config]):
    assert main(["serve", "--port", "1", "--set", "http.port=2"]) == 0
    assert served[0].http.port == 1


def test_what_fails_exits_1(tmp_path: Path):
    code, out, err = _run("tail", "--no-follow", "--data-dir", str(tmp_path / "none"))
    assert (code, out) == (1, "")
    assert err == f"ingest: {tmp_path}/none does not exist: is this the server's data_dir?\n"


def test_what_goes_well_exits_0(tmp_path: Path):
    ports = ("--set", "http.port=0", "--set", "admin.port=0")  # ours may run here
    code, out, _ = _run("check-config", "--data-dir", str(tmp_path), *ports)
    assert code == 0
    assert out.startswith("ok ")


def test_a_variable_that_is_no_option_exits_2():
    code, _, err = _run("check-config", BEACON_HTPP__PORT="1")
    assert code == 2
    assert err.startswith("ingest: BEACON_HTPP__PORT: no such option")


def test_a_server_that_cannot_start_exits_1(tmp_path: Path):
    (tmp_path / "file").touch()
    code, _, err = _run("serve", "--port", "0", "--admin-port", "0",
                        "--data-dir", str(tmp_path / "file" / "data"))  # fmt: skip
    assert code == 1
    assert '"event":"cannot start"' in err
    assert "Traceback" not in err


def test_a_reader_that_leaves_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def leave(*_: object) -> int:
        raise BrokenPipeError

    seen: list[tuple[int, int]] = []
    monkeypatch.setattr("ingest.tail.tail", leave)
    monkeypatch.setattr("os.dup2", lambda old, new: seen.append((old, new)))
    assert main(["tail", "--data-dir", str(tmp_path)]) == 0
    assert len(seen) == 1


def test_ctrl_c_exits_130(monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("ingest.tail.tail", interrupt)
    assert main(["tail"]) == 130
