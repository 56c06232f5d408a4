"""deploy/Dockerfile, word by word: there is no container engine where the tests run."""

import re
import shlex
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ingest.__main__ import _parser
from ingest.config import Admin, Http
from ingest.configure import load, options

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Stage:
    image: str
    name: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    """Instruction and the rest, continued lines joined."""

    def all(self, instruction: str) -> list[str]:
        return [rest for word, rest in self.lines if word == instruction]

    def index(self, instruction: str, part: str = "") -> int:
        """Where an instruction that holds `part` stands."""
        return next(
            n for n, (word, rest) in enumerate(self.lines) if word == instruction and part in rest
        )


def parsed(text: str) -> list[Stage]:
    stages: list[Stage] = []
    text = re.sub(r"^#.*\n", "", text, flags=re.M)
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            stages.append(Stage(image, name))
        elif line:
            stages[-1].lines.append((word, rest.strip()))
    return stages


STAGES = parsed((ROOT / "deploy" / "Dockerfile").read_text())
BUILD, FINAL = STAGES
ENVIRONMENT = dict(part.split("=", 1) for rest in FINAL.all("ENV") for part in shlex.split(rest))


def test_the_last_stage_has_only_what_the_first_installed() -> None:
    assert BUILD.name == "build"
    assert FINAL.all("COPY") == ["--from=build /opt/ingest /opt/ingest"]
    assert "pip" not in " ".join(FINAL.all("RUN"))
    # The environment's python is a link to the image's own: both must be the same.
    assert BUILD.image == FINAL.image


def test_the_image_has_a_python_that_the_project_runs_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    least = re.fullmatch(r">=3\.(\d+)", project["requires-python"])
    chosen = re.fullmatch(r"python:3\.(\d+)-slim", FINAL.image)
    assert least
    assert chosen
    assert int(chosen[1]) >= int(least[1])


def test_what_it_copies_is_what_the_build_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    copied = {source for rest in BUILD.all("COPY") for source in rest.split()[:-1]}
    wanted = {"pyproject.toml", project["readme"], "setup.py", "ingest", "schemas"}
    assert copied == wanted


def test_dependencies_are_a_layer_that_our_own_changes_leave_alone() -> None:
    ours = BUILD.index("COPY", "ingest ")
    first = BUILD.index("RUN", "pip install")
    assert first < ours
    assert BUILD.lines[first + 1 :][-1][1].endswith("--no-deps .")


def test_it_does_not_run_as_root() -> None:
    (user,) = FINAL.all("USER")
    made = FINAL.all("RUN")[0]
    assert f" {user} " in f"{made} "
    assert int(re.findall(r"--uid (\d+)", made)[0]) >= 1000
    assert FINAL.index("USER") < FINAL.index("ENTRYPOINT")


def test_its_data_is_a_volume_that_the_user_may_write() -> None:
    (volume,) = FINAL.all("VOLUME")
    assert ENVIRONMENT["BEACON_DATA_DIR"] == volume
    (user,) = FINAL.all("USER")
    assert re.search(rf"install -d -o {user} -g {user} -m 0750 {volume}$", FINAL.all("RUN")[0])


def test_its_options_exist_and_are_well_formed() -> None:
    ours = {name: text for name, text in ENVIRONMENT.items() if name.startswith("BEACON_")}
    assert set(ours) <= {option.env for option in options()}
    config = load(None, ours, [])
    assert (config.http.host, config.admin.host) == ("0.0.0.0", "0.0.0.0")


def test_it_starts_the_server() -> None:
    assert FINAL.all("ENTRYPOINT") == ['["ingest"]']
    assert _parser().parse_args(["serve"]).command == "serve"
    assert FINAL.all("CMD") == ['["serve"]']
    assert ENVIRONMENT["PATH"].startswith("/opt/ingest/bin:")


def test_ports_and_health_check_are_those_of_the_server() -> None:
    assert FINAL.all("EXPOSE") == [f"{Http().port} {Admin().port}"]
    (check,) = FINAL.all("HEALTHCHECK")
    (url,) = re.findall(r"urlopen\('(\S+?)'", check)
    assert url == f"http://127.0.0.1:{Admin().port}/healthz"


@pytest.mark.parametrize("stage", STAGES)
def test_images_are_named_with_a_version(stage: Stage) -> None:
    assert re.fullmatch(r"\S+:\d+\.\d+\S*", stage.image)
