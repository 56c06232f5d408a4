"""The API's description (OpenAPI 3.1), generated from the classes that read and answer."""

from http import HTTPStatus
from typing import Any, Final

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ingest.beacon.hit import Hit
from ingest.beacon.site import SITE_PATTERN
from ingest.http import cors
from ingest.http.api import PATH_SITES
from ingest.http.api_models import NowAnswer, ProblemAnswer, StatsAnswer, StatsQuery
from ingest.http.reply import JSON, NOSNIFF, Header, Reply, reply
from ingest.outcome import Outcome, Route

PATH_OPENAPI: Final = "/api/v1/openapi.json"
_SITE: Final = {
    "name": "site",
    "in": "path",
    "required": True,
    "description": "The site's name; small and capital letters are the same.",
    "schema": {"type": "string", "pattern": f"^{SITE_PATTERN}$"},
}
_INTRO: Final = (
    "Who is on a site now, and who was. Counts are of people as far as they can be told apart "
    "without keeping personal data: read them as “at least this many”. Anyone may read a public "
    "site; a private one is read with its token."
)
_STREAM: Final = (
    "Server-sent events: `event: now`, its data as in `/now`, once at the start and whenever that "
    "changes, within about a second. A comment comes every 15 seconds when there is nothing to "
    "say. Reconnecting begins anew with the current state; `Last-Event-ID` means nothing."
)
_ANSWERS: Final = (NowAnswer, StatsAnswer, ProblemAnswer)


def description() -> dict[str, Any]:
    """Return the document."""
    _, schemas = models_json_schema(
        [(model, "serialization") for model in _ANSWERS],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Beacon Ingest", "version": "1", "description": _INTRO},
        "servers": [{"url": "/"}],
        "paths": {
            f"{PATH_SITES}{{site}}/now": _get("now", "Who is there now", NowAnswer),
            f"{PATH_SITES}{{site}}/stats": _get(
                "stats", "A range of the counts", StatsAnswer, _parameters()
            ),
            f"{PATH_SITES}{{site}}/stream": _stream(),
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{}, {"token": []}],
    }


class OpenApi:
    """Answers with the description, made once."""

    def __init__(self) -> None:
        fixed: tuple[Header, ...] = (
            JSON,
            ("Cache-Control", "public, max-age=3600"),
            NOSNIFF,
            *cors.ANYONE,
        )
        body = orjson.dumps(description(), option=orjson.OPT_INDENT_2)
        self._answer = reply(HTTPStatus.OK, fixed, body, Route.PAGE, Outcome.PAGE)

    async def show(self, _hit: Hit) -> Reply:
        """`GET /api/v1/openapi.json`."""
        return self._answer


def _parameters() -> list[dict[str, Any]]:
    """Return those of `StatsQuery`, as it reads them."""
    schema = StatsQuery.model_json_schema()
    return [_parameter(name, dict(of)) for name, of in schema["properties"].items()]


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    about = schema.pop("description", "")
    schema.pop("title", None)
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind["type"] != "null"]
    if kinds:  # optional: an address has no null
        schema.pop("default")
        schema |= kinds[0]
    return {"name": name, "in": "query", "description": about, "schema": schema}


def _get(
    name: str, summary: str, answer: type[BaseModel], parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    refusals = ["401", "404"] if parameters is None else ["400", "401", "404"]
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": [_SITE, *(parameters or [])],
            "responses": {
                "200": {"description": summary, "content": _content("application/json", answer)},
                **_refusals(refusals),
            },
        }
    }


def _stream() -> dict[str, Any]:
    events = {"text/event-stream": {"schema": {"type": "string"}}}
    return {
        "get": {
            "operationId": "stream",
            "summary": "Who is there now, again and again",
            "description": _STREAM,
            "parameters": [_SITE],
            "responses": {
                "200": {"description": "Events", "content": events},
                **_refusals(["401", "404", "503"]),
            },
        }
    }


def _refusals(statuses: list[str]) -> dict[str, Any]:
    content = _content("application/problem+json", ProblemAnswer)
    return {
        status: {"description": HTTPStatus(int(status)).phrase, "content": content}
        for status in statuses
    }


def _content(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    return {kind: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
