"""docs/delivery.md: each sentence of it names tests, and these exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "delivery.md").read_text()
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
_BEYOND_TESTS = "No test can show it."
TABLES = {
    "Promised": "promise",
    "What happens on each of Kafka's errors": "what Kafka says, or does",
}


def _section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].partition("\n## ")[0]


def _rows(title: str) -> list[str]:
    """Of its table, without the head."""
    lines = [line for line in _section(title).splitlines() if line.startswith("| ")]
    assert lines[0].startswith(f"| {TABLES[title]} |")
    return lines[1:]


def test_every_test_that_is_named_exists() -> None:
    named = _NAMED.findall(TEXT)
    assert len(named) > 100
    for file, function in named:
        source = (ROOT / file).read_text()
        tests = re.findall(r"^(?:async )?def (test_\w+)\(|^(Test\w+) =", source, re.MULTILINE)
        assert tests, f"{file} has no tests"
        assert not function or function in {test for test, _ in tests}, f"{file}::{function}"


@pytest.mark.parametrize("title", TABLES)
def test_every_row_of_a_table_names_a_test(title: str) -> None:
    rows = _rows(title)
    assert len(rows) > 10
    without = [row for row in rows if not _NAMED.search(row)]
    assert not without


def test_whatever_is_not_promised_names_a_test_where_one_can_show_it() -> None:
    points = [line for line in _section("Not promised").splitlines() if line.startswith("- ")]
    assert len(points) > 5
    without = [point for point in points if not _NAMED.search(point)]
    assert all(_BEYOND_TESTS in point for point in without), without
