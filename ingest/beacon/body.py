"""The JSON body of `POST /e`: one object, or an array of them."""

from collections.abc import Mapping
from typing import NamedTuple

import orjson

from ingest.beacon.query import Given

MAX_ITEMS = 100
"""Events in one array at most."""


class BadBody(Exception):
    """The body as a whole is rejected; the message says why, without a byte of it."""


class Body(NamedTuple):
    """What a body holds."""

    items: list[object]
    """JSON values, not yet looked at."""
    array: bool
    """Whether it was an array."""


def read_body(body: bytes) -> Body:
    """Parse a body. Raises `BadBody` when nothing of it can be taken.

    orjson takes the last of repeated keys and refuses lone surrogates, a byte order mark, invalid
    UTF-8 and numbers that no double holds, for the whole body.
    """
    if not body:
        raise BadBody("the body is empty; send a JSON object or an array of them")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadBody("the body is not valid JSON in UTF-8") from None
    if isinstance(value, dict):
        return Body([value], False)
    if not isinstance(value, list):
        raise BadBody("the body is neither a JSON object nor an array")
    if not value:
        raise BadBody("the array is empty")
    if len(value) > MAX_ITEMS:
        raise BadBody(f"the array has {len(value)} items; {MAX_ITEMS} are allowed")
    return Body(value, True)


def read_object(value: Mapping[str, object], names: Mapping[str, str]) -> Given:
    """Read one object. Fields go by long or short name; where both are given the long one wins."""
    values: dict[str, object] = {}
    unknown = 0
    for key, given in value.items():
        name = names.get(key)
        if name is None:
            unknown += 1
        elif given is not None and given != "" and (key == name or name not in values):
            values[name] = given
    return Given(values, unknown)
