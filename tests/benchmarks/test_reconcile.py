"""The books of numbered pings: losses, phantoms, duplicates; and the tool as a command."""

import subprocess
import sys

from benchmarks.reconcile import EXIT_LOSS, EXIT_OK, EXIT_USAGE, Answers, main, reconcile
from tests.support.server import clean_environment, start_server

ANSWERS = Answers(
    "site",
    ["a", "b", "c", "d"],
    {"a": "stored", "b": "stored", "c": "shed", "d": "no answer"},
)


def test_what_was_confirmed_and_is_not_found_is_lost():
    report = reconcile(ANSWERS, ["a"])
    assert (report.lost, report.phantoms, report.duplicates) == (1, 0, 0)
    assert not report.good


def test_what_was_not_confirmed_may_be_found_or_not():
    assert reconcile(ANSWERS, ["a", "b"]).good
    assert reconcile(ANSWERS, ["a", "b", "c", "d"]).good


def test_what_was_never_sent_is_a_phantom():
    report = reconcile(ANSWERS, ["a", "b", "x"])
    assert (report.lost, report.phantoms) == (0, 1)
    assert not report.good


def test_copies_beyond_the_first_are_duplicates_and_no_loss():
    report = reconcile(ANSWERS, ["a", "b", "b", "b"])
    assert (report.duplicates, report.found, report.good) == (2, 2, True)
    assert "duplicates  2" in report.text()


def test_the_command_finds_all_that_a_good_server_confirmed(tmp_path):
    with start_server(tmp_path) as server:
        done = _run(server.url, "--data-dir", str(server.data_dir), "--seconds", "1")
        assert done.returncode == EXIT_OK, done.stderr
        assert "lost        0" in done.stdout
        assert "200 stored" in done.stdout


def test_the_command_fails_where_what_was_confirmed_is_elsewhere(tmp_path):
    (tmp_path / "other" / "store").mkdir(parents=True)
    with start_server(tmp_path) as server:
        where = str(tmp_path / "other")
        done = _run(server.url, "--data-dir", where, "--seconds", "0.1", "--patience", "0")
        assert done.returncode == EXIT_LOSS
        assert "lost        20" in done.stdout


def test_without_a_place_to_look_it_says_so(capsys):
    assert main(["http://127.0.0.1:1"]) == EXIT_USAGE
    assert "--data-dir or --kafka" in capsys.readouterr().err


def _run(*words):
    command = [sys.executable, "-m", "benchmarks", "reconcile", *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=clean_environment(), check=False
    )
