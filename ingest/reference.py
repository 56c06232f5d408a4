"""`python -m ingest.reference`: writes the parts of the documentation that the code knows better.

That is the table of options in README.md, docs/event.md, made from the schemas, and
docs/sending.md, made from the fields that a ping may give. A test holds them against what is
committed.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ingest.beacon.body import MAX_ITEMS
from ingest.beacon.fields import FIELDS
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

_SENDING: Final = f"""\
# Sending events

Written by `make docs`: change `ingest/reference.py`, and the fields in `ingest/beacon/fields.py`.

The widgets do this by themselves ([widget.md](widget.md)). Programs, and scripts of your own, \
send an event to one of two paths:

- `GET /p.gif?s=SITE&u=ADDRESS`: one event in a query, by the short names below. It answers with a \
picture of one pixel. Of a parameter that is there twice the first counts; an empty one is absent.
- `POST /e`: one event as a JSON object, or an array of up to {MAX_ITEMS}, by either name. \
`Content-Type` is `application/json`, or `text/plain`, with which browsers ask for no preflight \
first; UTF-8 either way. The body has `http.max_body` bytes at most.

`site` alone must be there. Bad values of other fields than `site` and `name` are left out and \
named in the event's `dropped`, texts that are too long are cut and named in `truncated`, and \
fields that are not listed here are ignored. Browser, place and the visitor's number come from \
the request itself.

"""

_ANSWERS: Final = """
## Answers

`Beacon-Outcome` says in one word what became of it:

| outcome | status | what it means, and what to do |
| --- | --- | --- |
| `stored` | 200 (`/p.gif`), 204 (`/e`) | On Kafka, or synced to disk. |
| `accepted` | 200, 204 | Taken, not yet durable: only with `delivery.ack = "accepted"`. |
| `opted-out` | 200, 204 | The request carries an opt-out cookie: nothing was kept. |
| `ignored` | 200, 204 | Nothing was kept: a `HEAD`, a prefetch, or a privacy signal with `drop`. |
| `rejected` | 400 | Site, name or JSON is bad; do not send it again. |
| `refused` | 4xx | The request is malformed, too large, or of a wrong method or type; the same. |
| `shed` | 503, `Retry-After` | Not stored, for want of room: send it again. |
| `failed` | 503, `Retry-After` | Not confirmed, but it may yet be stored: send it again. |

Errors of `/e` are problem documents (RFC 9457) that say why in `detail`. Give events an \
`event_id` and keep it when you send them again, with a greater `age_ms`: readers remove \
duplicates by it.

An array of which all is stored is 204. Else the answer has `results`, each with its `index`, \
`id`, `outcome` and `reason`, and the worst outcome names the whole: 207 where some are bad and \
others are not, 400 where all are bad, 503 where one was shed or failed. Send those again whose \
outcome is `shed` or `failed`.

What was rejected is kept for a while, to find out why: `ingest tail --topic rejected` \
([event.md](event.md#rejected-events)).
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


def sending_page() -> str:
    """Return docs/sending.md."""
    rows = ((_code(field.name), _code(field.short), field.takes) for field in FIELDS)
    return f"{_SENDING}{_table(('field', 'short', 'what it takes'), rows)}{_ANSWERS}"


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
        root / "docs" / "sending.md": sending_page(),
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
