"""`ingest check-config` and `ingest topics create` as operators run them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingest.log.lock import DirectoryLock
from tests.support.kafka import Broker
from tests.support.server import clean_environment

_KEY = "v1 2024-11-24 " + "ab" * 32 + "\n"


def _run(*words: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "ingest", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=clean_environment(), check=False
    )
    return done.returncode, done.stdout, done.stderr


def _check(data_dir: Path, *flags: str) -> tuple[int, str]:
    code, out, _ = _run("check-config", "--data-dir", str(data_dir), *flags)
    return code, out


def _kafka(broker: Broker) -> Sequence[str]:
    return "--kafka", broker.bootstrap, "--set", f"kafka.topic_prefix={broker.topic_prefix()}"


def test_a_first_start_is_fine_and_nothing_is_made(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    code, out = _check(data_dir)
    assert code == 0
    assert all(line.startswith("ok ") for line in out.splitlines())
    assert f"data_dir {data_dir} will be made" in out
    assert [*tmp_path.iterdir()] == []


def test_a_directory_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, out = _check(tmp_path / "file" / "data")
    assert code == 1
    assert f"error   data_dir {tmp_path}/file/data: {tmp_path}/file is no directory" in out


def test_a_store_in_use_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    lock = DirectoryLock(tmp_path / "store")
    code, out = _check(tmp_path)
    assert code == 0
    assert f"warning store {tmp_path}/store is in use" in out
    lock.release()
    assert f"ok      store {tmp_path}/store is free" in _check(tmp_path)[1]


def test_a_bad_key_file_is_an_error_and_an_open_one_a_warning(tmp_path: Path) -> None:
    key_file = tmp_path / "visitor.key"
    key_file.write_text("nonsense")
    code, out = _check(tmp_path)
    assert code == 1
    assert f"error   key file {key_file}: is not one line" in out
    key_file.write_text(_KEY)
    key_file.chmod(0o644)
    code, out = _check(tmp_path)
    assert code == 0
    assert f"warning key file {key_file}: mode 0644" in out
    key_file.chmod(0o600)
    assert f"ok      key file {key_file} can be read" in _check(tmp_path)[1]
    assert key_file.read_text() == _KEY


def test_a_bad_geolocation_database_is_an_error(tmp_path: Path) -> None:
    code, out = _check(tmp_path, "--set", f"geo.database={tmp_path}/none.mmdb")
    assert code == 1
    assert f"error   geolocation database {tmp_path}/none.mmdb: No such file" in out


def test_an_early_answer_is_warned_of(tmp_path: Path) -> None:
    code, out = _check(tmp_path, "--set", "delivery.ack=accepted")
    assert code == 0
    assert "warning delivery.ack is accepted" in out


def test_kafka_away_is_an_error_unless_offline(tmp_path: Path) -> None:
    code, out = _check(tmp_path, "--kafka", "127.0.0.1:1")
    assert code == 1
    assert "error   Kafka: 127.0.0.1:1: connection refused" in out
    code, out = _check(tmp_path, "--kafka", "127.0.0.1:1", "--offline")
    assert code == 0
    assert "ok      Kafka: not asked (--offline)" in out


def test_certificates_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    tls = ("--set", "kafka.security_protocol=SSL", "--set", f"kafka.ssl_ca_file={tmp_path}/ca.pem")
    code, out = _check(tmp_path, "--kafka", "127.0.0.1:1", *tls)
    assert code == 1
    assert "error   Kafka: ssl_ca_file, ssl_cert_file or ssl_key_file: No such file" in out


@pytest.mark.kafka
def test_topics_are_created_and_then_found(kafka: Broker, tmp_path: Path) -> None:
    flags = _kafka(kafka)
    code, out = _check(tmp_path, *flags)
    assert code == 0
    assert out.count("does not exist") == 2
    code, out, _ = _run("topics", "create", *flags)
    assert code == 0
    assert out.count(" created\n") == 2
    code, out = _check(tmp_path, *flags)
    assert code == 0
    assert f"ok      Kafka {kafka.bootstrap} lets us in" in out
    assert "does not exist" not in out
    assert "one machine's memory" in out


@pytest.mark.kafka
def test_refused_authentication_is_an_error_without_the_password(
    kafka: Broker, tmp_path: Path
) -> None:
    sasl = {"security_protocol": "SASL_PLAINTEXT", "sasl_username": "ingest", "sasl_password": "n0"}
    flags = [flag for pair in sasl.items() for flag in ("--set", f"kafka.{pair[0]}={pair[1]}")]
    code, out = _check(tmp_path, "--kafka", kafka.sasl, *flags)
    assert code == 1
    assert f"error   Kafka: {kafka.sasl}: authentication refused" in out
    assert "n0" not in out


def test_creating_topics_needs_kafka() -> None:
    code, _, err = _run("topics", "create")
    assert code == 1
    assert err == "ingest: no Kafka is configured: give --kafka HOST:PORT\n"
