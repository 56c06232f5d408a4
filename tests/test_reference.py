"""README's table of options, docs/event.md and docs/sending.md are what the code would write."""

import json
from pathlib import Path

import pytest

from ingest.beacon.fields import FIELDS
from ingest.configure import Option, options
from ingest.outcome import Outcome
from ingest.reference import (
    BEGIN,
    END,
    event_page,
    main,
    options_table,
    pages,
    sending_page,
    with_options,
)

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_is_written_is_current():
    for path, text in pages(ROOT).items():
        written = path.read_text(encoding="utf-8")
        assert written == text, f"{path.name} is out of date: run `make docs`"


def test_every_option_has_one_row_and_its_variable():
    rows = README.partition(BEGIN)[2].partition(END)[0].splitlines()[3:]
    assert [row.split("`")[1] for row in rows] == [option.name for option in options()]
    for row, option in zip(rows, options(), strict=True):
        assert f"`{option.env}`" in row
        assert option.help.replace("|", "\\|") in row


def test_a_bar_or_a_newline_does_not_end_a_cell():
    option = Option("a.b", "text", "x|y", "one | two\nthree", True)
    row = options_table([option]).splitlines()[2]
    assert row == "| `a.b` | `x\\|y` | one \\| two three | `BEACON_A__B` |"


def test_only_the_table_is_written_anew():
    text = with_options(f"before\n{BEGIN}\n(earlier)\n{END}\nafter\n")
    assert text.startswith(f"before\n{BEGIN}\n| option |")
    assert text.endswith(f"|\n{END}\nafter\n")
    assert "(earlier)" not in text
    assert with_options(text) == text


def test_a_readme_without_markers_is_not_touched():
    with pytest.raises(ValueError, match="lacks the markers"):
        with_options("no markers")


def test_every_field_of_both_schemas_is_on_the_page():
    page = (ROOT / "docs" / "event.md").read_text(encoding="utf-8")
    events, rejected = page.split("## Rejected events")
    for text, name in ((events, "event.v1.json"), (rejected, "rejected.v1.json")):
        schema = json.loads((ROOT / "schemas" / name).read_text(encoding="utf-8"))
        for field, about in schema["properties"].items():
            present = "always" if field in schema["required"] else "when known"
            assert f"| `{field}` | {present} | " in text
            assert about["description"].replace("|", "\\|") in text


def test_every_field_that_may_be_sent_and_every_outcome_is_on_the_page():
    page = sending_page()
    for field in FIELDS:
        assert f"| `{field.name}` | " in page
        assert field.takes.replace("|", "\\|") in page
    named = {
        line.split("`")[1] for line in page.split("## Answers")[1].splitlines() if "| `" in line
    }
    assert named == set(Outcome) - {Outcome.PAGE}


def test_bounds_are_in_words():
    numbers = {"type": "integer", "minimum": 1, "maximum": 32767, "description": "Pixels."}
    names = {"maxLength": 64}
    props = {
        "type": "object",
        "maxProperties": 10,
        "propertyNames": names,
        "additionalProperties": {"type": "string", "maxLength": 256},
        "description": "Pairs.",
    }
    schema = {
        "description": "About.",
        "required": ["width"],
        "properties": {"width": numbers, "props": props},
    }
    page = event_page(schema, schema)
    assert "| `width` | always | integer, 1–32,767 | Pixels. |" in page
    assert (
        "| `props` | when known | object, values: text, 256 characters at most, "
        "10 pairs at most, names: 64 characters at most | Pairs. |" in page
    )


def test_it_writes_only_what_changed_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "docs").mkdir()
    (tmp_path / "schemas").symlink_to(ROOT / "schemas")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    assert main(tmp_path) == 0
    assert capsys.readouterr().out == "written: docs/event.md\nwritten: docs/sending.md\n"
    assert main(tmp_path) == 0
    assert capsys.readouterr().out == ""


def test_without_a_readme_it_fails_in_plain_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "schemas").symlink_to(ROOT / "schemas")
    assert main(tmp_path) == 1
    assert capsys.readouterr().err.startswith("ingest.reference: ")
