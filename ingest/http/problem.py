"""Problem documents: errors that name what is wrong (RFC 9457)."""

from http import HTTPStatus

import orjson

from ingest.http.reply import NO_STORE, NOSNIFF, OUTCOME_HEADER, RETRY_AFTER, Header, Reply, reply
from ingest.outcome import Outcome, Route

_TYPE: Header = ("Content-Type", "application/problem+json")


def problem(
    status: int,
    detail: str,
    route: Route,
    outcome: Outcome = Outcome.REFUSED,
    *,
    headers: tuple[Header, ...] = (),
    members: dict[str, object] | None = None,
) -> Reply:
    """Make a problem document; `members` are added to it, such as the bad field's name."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **(members or {}),
    }
    fixed: list[Header] = [_TYPE, NO_STORE, NOSNIFF]
    if outcome is not Outcome.PAGE:
        fixed.append((OUTCOME_HEADER, outcome))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        fixed.append(RETRY_AFTER)
    return reply(status, (*fixed, *headers), orjson.dumps(document), route, outcome)
