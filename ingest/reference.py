"""`python -m ingest.reference`: writes the parts of the documentation that the code knows better.

That is the table of options in README.md, and docs/event.md, made from the schemas. A test holds
both against what is committed.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ingest.configure import Option, options

BEGIN: Final = "<!-- options: written by `make docs` -->"
END: Final = "<!-- end of options -->"
_ROOT: Final = Path(__file__).parents[1]
_NOT_ALWAYS: Final = "when known"

Schema = Mapping[str, Any]

_EVENT_INTRO = """\
# The event

Written by `make docs` from [event.v1.json](../schemas/event.v1.json) and \
[rejected.v1.json](../schemas/rejected.v1.json) (JSON Schema 2020-12): change it there.

One event is one JSON object in UTF-8: a line of `ingest tail`, or the value of one record on the \
Kafka topic `beacon.events`. There the record's key is the site, its partition is Java's murmur2 \
of the key as in every Kafka client of Java, its timestamp is `time`, and its headers are \
`schema: event/1` and `content-type: application/json`.

An event may come twice, and no order is promised: remove duplicates by `site` and `id`, and order \
by `time`. Fields may be added within version 1: ignore those that you do not know.

"""

_REJECTED_INTRO = """
## Rejected events

`ingest tail --topic rejected`, or the Kafka topic `beacon.rejected` with the header \
`schema: rejected/1`.

"""


def options_table(found: Iterable[Option]) -> str:
    """Return the table of options, in Markdown."""
    return _table(
        ("option", "default", "what it is for", "in the environment"),
        (
            (_code(option.name), _code(option.default), option.help, _code(option.env))
            for option in found
        ),
    )


def with_options(readme: str) -> str:
    """Return the README with the table between its two markers written anew."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{options_table(options())}{END}{after}"


def event_page(event: Schema, rejected: Schema) -> str:
    """Return docs/event.md."""
    return (
        f"{_EVENT_INTRO}{event['description']}\n\n{_fields(event)}"
        f"{_REJECTED_INTRO}{rejected['description']}\n\n{_fields(rejected)}"
    )


def pages(root: Path) -> dict[Path, str]:
    """Return every written file with its current text."""
    event, rejected = (
        json.loads((root / "schemas" / name).read_text(encoding="utf-8"))
        for name in ("event.v1.json", "rejected.v1.json")
    )
    readme = root / "README.md"
    return {
        readme: with_options(readme.read_text(encoding="utf-8")),
        root / "docs" / "event.md": event_page(event, rejected),
    }


def main(root: Path = _ROOT) -> int:
    """Write what has changed, and say so; returns the exit code."""
    try:
        for path, text in pages(root).items():
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
                print(f"written: {path.relative_to(root)}")
    except (OSError, ValueError) as error:
        print(f"ingest.reference: {error}", file=sys.stderr)
        return 1
    return 0


def _fields(schema: Schema) -> str:
    required = set(schema["required"])
    return _table(
        ("field", "present", "value", "what it is"),
        (
            (
                _code(name),
                "always" if name in required else _NOT_ALWAYS,
                _bounds(field),
                field["description"],
            )
            for name, field in schema["properties"].items()
        ),
    )


def _bounds(schema: Schema) -> str:
    """Say in words what a value may be."""
    if "const" in schema:
        return _code(json.dumps(schema["const"]))
    if "enum" in schema:
        return ", ".join(_code(str(value)) for value in schema["enum"])
    return ", ".join((_type(schema), *_limits(schema)))


def _type(schema: Schema) -> str:
    kind = str(schema["type"])
    if kind == "array":
        return f"list of {_bounds(schema['items'])}"
    if kind == "object":
        return f"object, values: {_bounds(schema['additionalProperties'])}"
    return {"string": "text"}.get(kind, kind)


def _limits(schema: Schema) -> Iterator[str]:
    if "minimum" in schema:
        least, most = schema["minimum"], schema.get("maximum")
        yield f"{least:,} or more" if most is None else f"{least:,}–{most:,}"
    if "maxLength" in schema:
        yield f"{schema['maxLength']:,} characters at most"
    if "maxProperties" in schema:
        yield f"{schema['maxProperties']} pairs at most"
    if "propertyNames" in schema:
        yield "names: " + ", ".join(_limits(schema["propertyNames"]))
    if "pattern" in schema:
        yield _code(schema["pattern"])


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (titles, ("---",) * len(titles), *rows)
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    """A bar would end the cell, even within code."""
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    sys.exit(main())
