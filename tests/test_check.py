"""`ingest check-config` and `ingest topics create` as operators run them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from ingest.log.lock import DirectoryLock
from ingest.sockets import Options, bind, port_of
from tests.support.kafka import Broker
from tests.support.server import clean_environment, start_server

_KEY = "v1 2024-11-24 " + "ab" * 32 + "\n"


def _run(*words: str, wrapper: Sequence[str] = ()) -> tuple[int, str, str]:
    command = [*wrapper, sys.executable, "-m", "ingest", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=clean_environment(), check=False
    )
    return done.returncode, done.stdout, done.stderr


def _check(data_dir: Path, *flags: str) -> tuple[int, str]:
    ports = ("--set", "http.port=0", "--set", "admin.port=0")
    code, out, _ = _run("check-config", "--data-dir", str(data_dir), *ports, *flags)
    return code, out


def _kafka(broker: Broker) -> Sequence[str]:
    return "--kafka", broker.bootstrap, "--set", f"kafka.topic_prefix={broker.topic_prefix()}"


def test_a_first_start_is_fine_and_nothing_is_made(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    code, out = _check(data_dir, "--set", "http.max_connections=100")
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


def test_a_spool_and_a_quarantine_in_use_are_warnings(tmp_path: Path) -> None:
    for name in ("spool", "quarantine"):
        (tmp_path / name).mkdir()
        lock = DirectoryLock(tmp_path / name)
        flags = ("--kafka", "127.0.0.1:1", "--offline")
        assert f"warning {name} {tmp_path}/{name} is in use" in _check(tmp_path, *flags)[1]
        lock.release()
        assert f"ok      {name} {tmp_path}/{name} is free" in _check(tmp_path, *flags)[1]


def test_a_bound_larger_than_the_disk_is_a_warning(tmp_path: Path) -> None:
    most = "max_bytes=1000000000000000000"
    assert "warning store.max_bytes is 1000000" in _check(tmp_path, "--set", f"store.{most}")[1]
    flags = ("--kafka", "127.0.0.1:1", "--offline", "--set", f"spool.{most}")
    assert "warning spool.max_bytes is 1000000" in _check(tmp_path, *flags)[1]


def test_a_disk_too_full_to_take_a_ping_is_a_warning(tmp_path: Path) -> None:
    most = "min_free=1000000000000000000"
    code, out = _check(tmp_path, "--set", f"store.{most}")
    assert code == 0
    assert "warning store.min_free is 1000000" in out
    assert "the store takes no ping until there is more" in out
    flags = ("--kafka", "127.0.0.1:9", "--offline", "--set", f"spool.{most}")
    assert "warning spool.min_free is 1000000" in _check(tmp_path, *flags)[1]


def test_more_sites_than_memory_is_a_warning(tmp_path: Path) -> None:
    found = _check(tmp_path, "--set", "sites.max_active=1000000000")[1]
    assert "warning memory: 1,000,000,000 small sites" in found
    assert "warning memory" not in _check(tmp_path, "--set", "sites.max_active=1000")[1]


def test_a_limit_on_files_below_what_is_asked_is_a_warning_with_what_there_will_be(
    tmp_path: Path,
) -> None:
    words = ("check-config", "--data-dir", str(tmp_path), "--port", "0", "--admin-port", "0")
    code, out, _ = _run(*words, wrapper=("prlimit", "--nofile=80:80"))
    assert code == 0
    assert "warning fewer connections than http.max_connections: 40; the limit on open" in out
    collector = ("--kafka", "127.0.0.1:1", "--role", "collector", "--offline")
    stats = ("--set", "stats.url=http://127.0.0.1:1")
    out = _run(*words, *collector, *stats, wrapper=("prlimit", "--nofile=160:160"))[1]
    assert "warning fewer streams than stats.max_streams: 10; the limit on open" in out


@pytest.mark.parametrize(("name", "flag"), [("http", "--port"), ("admin", "--admin-port")])
def test_a_port_that_is_taken_is_an_error_which_names_the_option(
    name: str, flag: str, tmp_path: Path
) -> None:
    taken = bind("127.0.0.1", 0, Options.PUBLIC)
    code, out = _check(tmp_path, "--set", f"{name}.port={port_of(taken)}")
    taken.close()
    assert code == 1
    (said,) = [line for line in out.splitlines() if line.startswith("error")]
    assert "cannot listen on 127.0.0.1, port" in said
    assert f"{name}.port" in said
    assert flag in said


def test_one_port_for_both_listeners_is_an_error(tmp_path: Path) -> None:
    code, out = _check(tmp_path, "--set", "http.port=8080", "--set", "admin.port=8080")
    assert code == 1
    assert "error   http.port and admin.port are both 8080" in out


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


def test_each_mistake_of_the_sites_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "sites.toml"
    file.write_text("[sites.a]\npublic = true\n")
    code, out = _check(tmp_path, "--set", f"sites.file={file}")
    assert code == 0
    assert f"ok      sites: sites.file {file} names 1 of them" in out
    file.write_text("[sites.a]\n[sites.b]\npublic = 3\n")
    code, out = _check(tmp_path, "--set", f"sites.file={file}")
    assert code == 1
    assert out.count(f"error   {file}: sites.") == 2


def test_a_sites_file_without_a_site_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "sites.toml"
    file.touch()
    code, out = _check(tmp_path, "--set", f"sites.file={file}")
    assert code == 0
    assert f"warning sites: sites.file {file} names no site: every ping is rejected" in out


def test_a_bad_geolocation_database_is_an_error(tmp_path: Path) -> None:
    code, out = _check(tmp_path, "--set", f"geo.database={tmp_path}/none.mmdb")
    assert code == 1
    assert f"error   geolocation database {tmp_path}/none.mmdb: No such file" in out


def test_an_early_answer_is_warned_of(tmp_path: Path) -> None:
    code, out = _check(tmp_path, "--set", "delivery.ack=accepted")
    assert code == 0
    assert "warning delivery.ack is accepted" in out


def test_kafka_away_is_a_warning_as_the_start_does_not_need_it(tmp_path: Path) -> None:
    code, out = _check(tmp_path, "--kafka", "127.0.0.1:1")
    assert code == 0
    assert "warning Kafka: 127.0.0.1:1: connection refused; pings go to the spool" in out
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
    assert out.count("does not exist") == 3
    code, out, _ = _run("topics", "create", *flags)
    assert code == 0
    assert out.count(" created\n") == 3
    code, out = _check(tmp_path, *flags)
    assert code == 0
    assert f"ok      Kafka {kafka.bootstrap} lets us in" in out
    assert "does not exist" not in out
    assert "one machine's memory" in out
    assert ".now: compacted" in out


@pytest.mark.kafka
def test_refused_authentication_is_said_without_the_password(kafka: Broker, tmp_path: Path) -> None:
    sasl = {"security_protocol": "SASL_PLAINTEXT", "sasl_username": "ingest", "sasl_password": "n0"}
    flags = [flag for pair in sasl.items() for flag in ("--set", f"kafka.{pair[0]}={pair[1]}")]
    code, out = _check(tmp_path, "--kafka", kafka.sasl, *flags)
    assert code == 0
    assert f"warning Kafka: {kafka.sasl}: authentication refused" in out
    assert "n0" not in out


def test_creating_topics_needs_kafka() -> None:
    code, _, err = _run("topics", "create")
    assert code == 1
    assert err == "ingest: no Kafka is configured: give --kafka HOST:PORT\n"


@pytest.mark.kafka
async def test_a_topic_of_numbers_that_is_not_compacted_is_an_error(
    kafka: Broker, tmp_path: Path
) -> None:
    prefix = kafka.topic_prefix()
    flags = ("--kafka", kafka.bootstrap, "--set", f"kafka.topic_prefix={prefix}")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(f"{prefix}.now", 2, 1)])
    await admin.close()
    code, out = _check(tmp_path, *flags)
    assert code == 1
    assert f"error   topic {prefix}.now has 2 partitions" in out
    assert "set cleanup.policy=compact" in out


def test_the_stats_role_needs_no_spool_and_no_key(tmp_path: Path) -> None:
    code, out = _check(tmp_path, "--kafka", "127.0.0.1:1", "--offline", "--role", "stats")
    assert code == 0
    assert "events are read from Kafka" in out
    assert "spool" not in out
    assert "key file" not in out


def test_a_collector_asks_whether_the_stats_role_is_there(tmp_path: Path) -> None:
    def said(url: str) -> str:
        words = ("--kafka", "127.0.0.1:1", "--role", "collector", "--set", f"stats.url={url}")
        _, out = _check(tmp_path / "data", *words)
        (line,) = (line for line in out.splitlines() if "stats.url" in line)
        return line

    assert said("http://127.0.0.1:1").startswith(
        "warning stats.url: no answer from http://127.0.0.1:1: Connection refused"
    )
    with start_server(tmp_path, "--data-dir", str(tmp_path / "other")) as server:
        assert said(server.url) == f"ok      stats.url: Beacon Ingest answers at {server.url}"
        far = ("--role", "collector", "--set", f"stats.url={server.url}")
        kafka = ("--kafka", "127.0.0.1:1", "--data-dir", str(tmp_path / "far"))
        with start_server(tmp_path, *kafka, *far) as collector:
            said_so = f"error   stats.url: what answers at {collector.url} is a collector"
            assert said(collector.url).startswith(said_so)
        wrong = server.admin_url
        assert said(wrong) == f"error   stats.url: what answers at {wrong} is no stats role"


def test_a_collector_without_pages_is_a_warning(tmp_path: Path) -> None:
    code, out = _check(tmp_path, "--kafka", "127.0.0.1:1", "--offline", "--role", "collector")
    assert code == 0
    assert "warning stats.url is not set" in out
