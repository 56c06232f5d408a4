"""No event is larger than the bound says, and the largest is nearly as large."""

import json
from pathlib import Path

from ingest.beacon.fields import MAX_AGE_MS, MAX_PROPS
from ingest.beacon.largest import largest_record
from ingest.config import Config
from tests.beacon.support import NOW, Headers, collector, only, post

ASTRAL = "\N{FACE WITH TEARS OF JOY}"
"""Four bytes, and one character."""
BRANDS = b'"%s";v="%s"' % (b"\xff" * 64, b"9" * 64)


def _long_fields() -> dict[str, object]:
    props = {f"{number}{ASTRAL * 63}": ASTRAL * 256 for number in range(MAX_PROPS)}
    return {
        "s": "s" * 64,
        "e": "e" * 40,
        "u": "https://example.org/" + ASTRAL * 3_000,
        "r": "https://example.org/" + ASTRAL * 3_000,
        "t": ASTRAL * 600,
        "p": "p" * 32,
        "sw": 32_767,
        "sh": 32_767,
        "vw": 32_767,
        "vh": 32_767,
        "lang": "-".join(["abcdefgh"] * 5),
        "tz": "/".join(["a" * 32] * 3),
        "d": 86_399.999,
        "n": 10_000_000,
        "age": MAX_AGE_MS,
        "w": "pro",
        "id": "not a UUID",
        "props": {**props, "one too many": "x"},
    }


def _long_headers(names: tuple[str, ...]) -> Headers:
    return {name.encode(): (ASTRAL * 600).encode() for name in names} | {b"sec-ch-ua": BRANDS}


def test_the_largest_event_is_nearly_as_large_as_the_bound_says(tmp_path: Path) -> None:
    names = Config().headers.allow
    body = json.dumps(_long_fields(), ensure_ascii=False).encode()
    verdict = only(collector(tmp_path), post(body, _long_headers(names)), NOW)
    bound = largest_record(names)
    assert 0.8 * bound < len(verdict.site) + len(verdict.event) <= bound


def test_a_longer_list_of_headers_is_counted(tmp_path: Path) -> None:
    names = tuple(f"x-long-{number}" for number in range(40))
    made = collector(tmp_path, headers={"allow": names})
    body = json.dumps(_long_fields(), ensure_ascii=False).encode()
    verdict = only(made, post(body, _long_headers(names)), NOW)
    bound = largest_record(names)
    assert 0.95 * bound < len(verdict.site) + len(verdict.event) <= bound
