"""deploy/compose.roles.yaml: what it adds to compose.yaml, run as processes over a real Kafka."""

import contextlib
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]

from ingest.config import Http, Role
from ingest.configure import load, options
from tests.deploy.test_compose import COMPOSE, INGEST, SERVICE_FIELDS, has_compose
from tests.deploy.test_compose import FILE as BASE
from tests.support.kafka import Broker
from tests.support.raw import request
from tests.support.roles import counted, online, ping
from tests.support.server import start_server
from tests.support.wait import until

FILE = BASE.with_name("compose.roles.yaml")
ROLES: dict[str, Any] = yaml.safe_load(FILE.read_text())
STATS = ROLES["services"]["stats"]


def _environment(name: str) -> dict[str, str]:
    """A service's variables as compose merges them: the later file's go before."""
    merged: Mapping[str, Any] = {
        **COMPOSE["services"].get(name, {}).get("environment", {}),
        **ROLES["services"][name]["environment"],
    }
    return {key: str(value) for key, value in merged.items()}


def test_its_fields_are_those_of_the_specification() -> None:
    for service in ROLES["services"].values():
        for name, value in service.items():
            assert isinstance(value, SERVICE_FIELDS[name]), name
    if has_compose():  # then it has the last word
        command = ["docker", "compose", "-f", str(BASE), "-f", str(FILE), "config", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr


def test_its_options_exist_and_make_a_collector_and_a_stats_role() -> None:
    assert set(ROLES["services"]) == {"ingest", "stats"}
    known = {option.env for option in options()}
    collector, stats = (_environment(name) for name in ("ingest", "stats"))
    assert set(collector) | set(stats) <= known
    assert load(None, collector, []).role is Role.COLLECTOR
    assert load(None, stats, []).role is Role.STATS
    assert load(None, collector, []).stats.url == f"http://stats:{Http().port}"


def test_the_stats_role_is_as_confined_as_the_collector_and_keeps_its_counts() -> None:
    for name in ("build", "cap_drop", "depends_on", "read_only", "security_opt",
                 "stop_grace_period", "tmpfs", "ulimits"):  # fmt: skip
        assert STATS[name] == INGEST[name], name
    (volume,), (other,) = STATS["volumes"], INGEST["volumes"]
    assert volume.partition(":")[0] in ROLES["volumes"]
    assert volume.partition(":")[0] != other.partition(":")[0]
    assert "ports" not in STATS


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_what_they_set_up_counts_visits_and_shows_them(kafka: Broker, tmp_path: Path) -> None:
    prefix = {"BEACON_KAFKA__TOPIC_PREFIX": kafka.topic_prefix()}

    def run(name: str, hosts: Mapping[str, str]) -> Any:
        """Start a service; `hosts` says where what it calls by name is here."""
        environment = _environment(name)
        for host, here in hosts.items():
            environment = {key: text.replace(host, here) for key, text in environment.items()}
        data = ("--data-dir", str(tmp_path / name))
        return stack.enter_context(start_server(tmp_path, *data, env=environment | prefix))

    with contextlib.ExitStack() as stack:
        stats = run("stats", {"kafka:9092": kafka.bootstrap})
        hosts = {"kafka:9092": kafka.bootstrap, "http://stats:8080": stats.url}
        collector = run("ingest", hosts)
        ping(collector, 1)
        until(lambda: counted(stats) == 1, 90, "the visit to be counted")
        assert b'<strong id="now">1</strong>' in request(collector.url, "/live/example").body
        until(lambda: online(collector) == "1", 90, "the number in the badge")
