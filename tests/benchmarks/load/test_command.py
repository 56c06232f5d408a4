"""The command, as operators run it."""

import json
import subprocess
import sys

import pytest

from benchmarks.load.command import EXIT_FAILURES, EXIT_NO_REPORT, EXIT_OK, main
from tests.benchmarks.load.tiny import Tiny, serving
from tests.support.server import clean_environment

LAX = ("--max-lag", "60000", "--warm-up", "0", "--seconds", "0.5", "--rate", "100")
"""A machine that is busy with other tests may be as late as it likes."""


def test_it_reports_to_people_and_to_programs(tmp_path):
    report = tmp_path / "report.json"
    with serving(Tiny()) as tiny:
        done = _run(tiny.url, *LAX, "--json", str(report))
    assert done.returncode == EXIT_OK, done.stderr
    assert "requests   50 in" in done.stdout
    assert "50 200 stored" in done.stdout
    said = json.loads(report.read_text())
    assert (said["requests"], said["good"], said["plan"]["rate"]) == (50, 50, 100)
    assert said["latency_ms"]["p99"] > 0


def test_answers_that_are_no_success_are_its_exit_code():
    with serving(Tiny(answer=b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")) as tiny:
        done = _run(tiny.url, *LAX)
    assert done.returncode == EXIT_FAILURES
    assert "50 503" in done.stdout


def test_figures_in_doubt_are_not_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.load.result.BUSY", 0.0)  # nobody sends with less
    report = tmp_path / "report.json"
    with serving(Tiny()) as tiny:
        assert main([tiny.url, *LAX, "--json", str(report)]) == EXIT_NO_REPORT
    said = capsys.readouterr()
    assert "no report" in said.err
    assert "bottleneck" in said.err
    assert said.out == ""
    assert "latency_ms" not in json.loads(report.read_text())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ftp://a.example/"], "no http or https address"),
        (["http://127.0.0.1/", "--rate", "0"], "not above 0"),
        (["http://127.0.0.1/", "--connections", "0"], "at least 1"),
        (["http://127.0.0.1/", "--connections", "2", "--processes", "3"], "needs a connection"),
        (["http://127.0.0.1/", "--kind", "xml"], "kind"),
    ],
)
def test_bad_words_are_named(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def _run(*words):
    command = [sys.executable, "-m", "benchmarks", "load", *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=clean_environment(), check=False
    )
