"""Heads by their header fields, for what reads nothing else of a request."""

from collections.abc import Mapping

from ingest.beacon.hit import RequestHead


def head_of(headers: Mapping[bytes, bytes]) -> RequestHead:
    """A head with these fields; names in lower case."""
    return RequestHead(b"GET", "/p.gif", b"", dict(headers))
