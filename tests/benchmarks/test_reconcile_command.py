"""`python -m benchmarks reconcile` as operators run it: exit codes, words and the JSON file."""

import json
import os
import socket
import subprocess
import sys

import pytest

from benchmarks.reconcile_command import EXIT_LOSS, EXIT_NOT_PROVED, EXIT_OK, main
from tests.support.kafka import PASSWORD, USER
from tests.support.server import clean_environment, start_server
from tests.support.tail import tail_events
from tests.support.wait import until

NOBODY = "http://127.0.0.1:1"
FEW = ("--rate", "100", "--seconds", "0.2", "--settle", "0.1")


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)


def _run(*words, env=None):
    command = [sys.executable, "-m", "benchmarks", "reconcile", *words]
    environment = clean_environment(env)
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment, check=False
    )


def test_it_finds_all_that_a_good_server_confirmed(tmp_path):
    with start_server(tmp_path) as server:
        file = tmp_path / "report.json"
        where = ("--data-dir", str(server.data_dir), "--json", str(file))
        done = _run(server.url, *where, "--seconds", "1", "--settle", "0.1")
    assert done.returncode == EXIT_OK, done.stderr
    assert "lost        0" in done.stdout
    assert "200 stored" in done.stdout
    assert "nothing that was confirmed is lost" in done.stdout
    report = json.loads(file.read_text())
    assert (report["exit_code"], report["sent"], report["found"]) == (EXIT_OK, 200, 200)
    assert report["outcomes"] == {"stored": 200}
    assert report["lost_ids"] == report["phantom_ids"] == []


def test_a_run_that_is_killed_leaves_the_answers_that_it_had(tmp_path):
    with start_server(tmp_path) as server:
        file = tmp_path / "answers"
        where = ("--data-dir", str(server.data_dir), "--answers", str(file))
        command = [sys.executable, "-m", "benchmarks", "reconcile", server.url, *where]
        running = subprocess.Popen([*command, "--seconds", "600"], env=clean_environment())
        try:
            until(lambda: file.exists() and file.read_text().count("\n") >= 50, what="answers")
        finally:
            running.kill()
            running.wait()
        stored = {event["id"] for event in tail_events(server.data_dir)}
    *whole, _perhaps_torn = file.read_text().split("\n")
    answers = dict(line.split("\t") for line in whole)
    assert set(answers.values()) == {"stored"}
    assert answers.keys() <= stored


def test_it_fails_and_names_the_ids_where_what_was_confirmed_is_elsewhere(tmp_path):
    (tmp_path / "other" / "store").mkdir(parents=True)
    with start_server(tmp_path) as server:
        file = tmp_path / "report.json"
        where = ("--data-dir", str(tmp_path / "other"), "--json", str(file))
        done = _run(server.url, *where, *FEW, "--patience", "0")
    assert done.returncode == EXIT_LOSS
    assert "lost        20" in done.stdout
    report = json.loads(file.read_text())
    assert report["lost"] == len(set(report["lost_ids"])) == 20


@pytest.mark.kafka
def test_it_looks_at_a_secured_cluster_as_the_collector_is_configured(tmp_path, kafka):
    prefix = kafka.topic_prefix()
    file = tmp_path / "collector.toml"
    file.write_text(
        f"[kafka]\nbootstrap_servers = ['{kafka.sasl}']\nsasl_username = '{USER}'\n"
        "security_protocol = 'SASL_PLAINTEXT'\n"
    )
    secret = {"BEACON_KAFKA__SASL_PASSWORD": PASSWORD}
    same = ("--config", str(file), "--set", f"kafka.topic_prefix={prefix}")
    with start_server(tmp_path, *same, env=secret) as server:
        done = _run(server.url, *same, *FEW, env=secret)
        assert done.returncode == EXIT_OK, done.stderr
        assert "20 stored" in done.stdout
        refused = _run(server.url, *same, *FEW, env={"BEACON_KAFKA__SASL_PASSWORD": "wrong-horse"})
    assert refused.returncode == EXIT_NOT_PROVED
    assert "authentication refused" in refused.stderr
    for said in (done.stdout, done.stderr, refused.stdout, refused.stderr):
        assert PASSWORD not in said
        assert "wrong-horse" not in said


@pytest.fixture
def listener():
    """A port that shows whether anybody came."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--data-dir", "/nonexistent"), "does not exist"),
        (("--kafka", "127.0.0.1:1"), "connection refused"),
        (("--kafka", "127.0.0.1"), "is not HOST:PORT"),
        (("--kafka", "127.0.0.1:1", "--data-dir", "data"), "not both"),
        (("--config", "/nonexistent.toml"), "cannot be read"),
        (("--set", "kafka.nonesuch=1"), "no such option"),
        (("--set", "hunter2"), "NAME=VALUE"),
        (("--data-dir", "/", "--json", "/nonexistent/file"), "No such file"),
        (("--data-dir", "/", "--answers", "/nonexistent/file"), "No such file"),
        ((), "--data-dir or --kafka"),
    ],
)
def test_what_it_cannot_look_at_is_said_before_sending(words, said, listener, capsys):
    host, port = listener.getsockname()
    assert main([f"http://{host}:{port}", *words]) == EXIT_NOT_PROVED
    errors = capsys.readouterr().err
    assert said in errors
    assert "hunter2" not in errors
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.kafka
def test_a_missing_topic_is_said_before_sending(kafka, capsys):
    prefix = f"kafka.topic_prefix={kafka.topic_prefix()}"
    assert main([NOBODY, "--kafka", kafka.bootstrap, "--set", prefix]) == EXIT_NOT_PROVED
    assert "does not exist on this cluster" in capsys.readouterr().err


def test_where_nothing_was_confirmed_nothing_is_proved(tmp_path, capsys):
    (tmp_path / "store").mkdir()
    assert main([NOBODY, "--data-dir", str(tmp_path), *FEW]) == EXIT_NOT_PROVED
    said = capsys.readouterr().out
    assert "20 no answer" in said
    assert "nothing was confirmed" in said


def test_a_server_that_is_another_proves_nothing(tmp_path):
    with start_server(tmp_path) as server:
        done = _run(server.admin_url, "--data-dir", str(server.data_dir), *FEW)
    assert done.returncode == EXIT_NOT_PROVED
    assert "20 status 404" in done.stdout


@pytest.mark.parametrize("words", [("--rate", "0"), ("--seconds", "inf"), ("--settle", "-1")])
def test_a_pace_that_is_none_is_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([NOBODY, "--data-dir", "data", *words])
    assert ended.value.code == EXIT_NOT_PROVED
    assert words[0] in capsys.readouterr().err
