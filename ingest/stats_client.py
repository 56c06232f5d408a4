"""Asks a running server's API, for the command line."""

import http.client
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from ingest.config import Read

_TIMEOUT: Final = 10.0
_MOST_BYTES: Final = 4 * 1024 * 1024


class StatsError(Exception):
    """There is no answer to show; the message says why."""


class NoAnswerError(StatsError):
    """The server is not there."""


class CollectorError(StatsError):
    """It is a collector, and was asked as one asks the stats role."""


def ask(config: Read, target: str, *headers_too: tuple[str, str]) -> Mapping[str, Any]:
    """Raises `StatsError`. Follows no redirect: the token is for this server only."""
    url = urlsplit(config.url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    headers = {"Accept": "application/json", **dict(headers_too)}
    if config.token is not None:
        headers["Authorization"] = f"Bearer {config.token.get_secret_value()}"
    try:
        connection = kind(url.netloc, timeout=_TIMEOUT)
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            body = answer.read(_MOST_BYTES)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise NoAnswerError(f"no answer from {config.url}: {why}") from None
    if answer.status == HTTPStatus.UNAUTHORIZED:
        given = "is missing" if config.token is None else "is not the site's"
        raise StatsError(f"this site is private, and the token {given} (--token)")
    if answer.status == HTTPStatus.MISDIRECTED_REQUEST:
        raise CollectorError(f"what answers at {config.url} is a collector")
    document = json.loads(body)
    if answer.status != HTTPStatus.OK:
        raise StatsError(f"{config.url}: {document['detail']}")
    found: Mapping[str, Any] = document
    return found
