"""deploy/compose.yaml: what compose makes of it, and against image and options."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]

from ingest.config import Admin, Http, Shutdown
from ingest.configure import load, options
from tests.deploy.test_dockerfile import FINAL

FILE = Path(__file__).parents[2] / "deploy" / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
INGEST, KAFKA = COMPOSE["services"]["ingest"], COMPOSE["services"]["kafka"]

# Fields of the Compose Specification (compose-spec.io) that we use, with the types it gives them.
SERVICE_FIELDS = {
    "build": dict,
    "cap_drop": list,
    "depends_on": dict,
    "environment": dict,
    "healthcheck": dict,
    "image": str,
    "ports": list,
    "read_only": bool,
    "security_opt": list,
    "stop_grace_period": str,
    "tmpfs": list,
    "ulimits": dict,
    "volumes": list,
}
HEALTHCHECK_FIELDS = {"test": list, "interval": str, "timeout": str, "retries": int}


def has_compose() -> bool:
    docker = shutil.which("docker")
    return (
        docker is not None
        and not subprocess.run(
            [docker, "compose", "version"], capture_output=True, check=False, timeout=60
        ).returncode
    )


def test_its_fields_are_those_of_the_specification() -> None:
    assert set(COMPOSE) == {"services", "volumes"}
    for service in COMPOSE["services"].values():
        assert {"image", "build"} & set(service)
        for name, value in service.items():
            assert isinstance(value, SERVICE_FIELDS[name]), name
        for name, value in service.get("healthcheck", {}).items():
            assert isinstance(value, HEALTHCHECK_FIELDS[name]), name
        for value in service["environment"].values():
            assert isinstance(value, str | int)  # a bare true is no value of a variable
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in COMPOSE["volumes"]
        for other, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in COMPOSE["services"][other]
    if has_compose():  # then it has the last word
        command = ["docker", "compose", "-f", str(FILE), "config", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr


def test_the_servers_options_exist_and_are_well_formed() -> None:
    environment = {name: str(value) for name, value in INGEST["environment"].items()}
    assert set(environment) <= {option.env for option in options()}
    config = load(None, environment, [])
    host = config.kafka.bootstrap_servers[0].partition(":")[0]
    assert host in COMPOSE["services"]


def test_the_server_reaches_kafka_under_the_name_that_kafka_tells() -> None:
    told = KAFKA["environment"]["KAFKA_ADVERTISED_LISTENERS"].removeprefix("PLAINTEXT://")
    assert INGEST["environment"]["BEACON_KAFKA__BOOTSTRAP_SERVERS"] == told


def test_kafka_keeps_its_data_in_the_volume() -> None:
    (volume,) = KAFKA["volumes"]
    assert KAFKA["environment"]["KAFKA_LOG_DIRS"] == volume.partition(":")[2]


def test_the_image_is_built_from_our_dockerfile() -> None:
    context = FILE.parent / INGEST["build"]["context"]
    assert (context / INGEST["build"]["dockerfile"]).is_file()


def test_the_data_is_in_a_volume_and_nothing_else_is_written() -> None:
    (volume,) = INGEST["volumes"]
    assert [volume.partition(":")[2]] == FINAL.all("VOLUME")
    assert INGEST["read_only"] is True


def test_only_this_machine_reaches_the_ports() -> None:
    ports = [Http().port, Admin().port]
    assert INGEST["ports"] == [f"127.0.0.1:{port}:{port}" for port in ports]


def test_an_orderly_stop_has_the_time_it_may_take() -> None:
    seconds = re.fullmatch(r"(\d+)s", INGEST["stop_grace_period"])
    assert seconds
    assert int(seconds[1]) > Shutdown().grace


def test_the_server_has_no_privileges_but_descriptors_enough() -> None:
    assert INGEST["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in INGEST["security_opt"]
    assert INGEST["ulimits"]["nofile"] > 2 * Http().max_connections


@pytest.mark.parametrize("service", [name for name in COMPOSE["services"] if name != "ingest"])
def test_images_are_named_with_a_version(service: str) -> None:
    assert re.fullmatch(r"\S+:\d+\.\d+\S*", COMPOSE["services"][service]["image"])
