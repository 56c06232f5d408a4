"""docs/api.md and docs/sites.md say what is so."""

import re
import tomllib
from pathlib import Path

import ingest
from ingest.__main__ import _parser
from ingest.http.api_models import StatsQuery, StatsRow
from ingest.http.openapi import description
from ingest.sites_file import read_sites

DOCS = Path(ingest.__file__).parents[1] / "docs"
API = (DOCS / "api.md").read_text(encoding="utf-8")
SITES = (DOCS / "sites.md").read_text(encoding="utf-8")


def test_every_parameter_and_value_is_in_the_guide():
    names = {field.alias or name for name, field in StatsQuery.model_fields.items()}
    listed = API.partition("| parameter |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z]+)`", listed, re.MULTILINE)) == names
    schema = StatsQuery.model_json_schema()["properties"]
    assert all(f"`{by}`" in listed for by in schema["by"]["enum"])
    assert f"1 to {schema['limit']['maximum']} (default {schema['limit']['default']})" in listed


def test_every_field_of_a_row_is_in_the_guide():
    assert all(f"`{name}`" in API or f'"{name}"' in API for name in StatsRow.model_fields)


def test_every_path_that_the_guide_asks_for_exists():
    paths = [path.replace("{site}", "[a-z]+") for path in description()["paths"]]
    asked = re.findall(r"http://127\.0\.0\.1:8080(/api/[^\s?']+)", API)
    assert len(asked) >= 5
    assert all(any(re.fullmatch(path, each) for path in paths) for each in asked)


def test_every_stats_command_of_the_guide_is_understood():
    commands = re.findall(r"/ingest (stats [^#\n]+)", API)
    assert len(commands) >= 5
    for command in commands:
        assert _parser().parse_args(command.split()).command == "stats"


def test_the_sites_file_of_the_guide_is_read(tmp_path):
    example = SITES.partition("```toml\n")[2].partition("```")[0]
    file = tmp_path / "sites.toml"
    file.write_text(example)
    found = read_sites(file, ())
    assert list(found) == list(tomllib.loads(example)["sites"])
    assert [rules.public for rules in found.values()] == [True, False]
