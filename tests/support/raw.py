"""Requests as bytes on a socket, so that a test sends just what it says."""

import http.client
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    """Names in lower case; of repeated ones the last."""
    body: bytes

    @property
    def outcome(self) -> str | None:
        """The value of `Beacon-Outcome`."""
        return self.headers.get("beacon-outcome")


def request(
    url: str,
    target: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    timeout: float = 20.0,
) -> Answer:
    """Send one request on a connection of its own; `headers` come after Host, in their order."""
    fields = {"Host": "beacon.test", **(headers or {})}
    if body or method == "POST":
        fields.setdefault("Content-Length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    raw = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body
    return send(url, raw, method=method, timeout=timeout)


def send(url: str, raw: bytes, *, method: str = "GET", timeout: float = 20.0) -> Answer:
    """Send bytes on a connection of its own and read one answer."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout) as connection:
        connection.sendall(raw)
        return read(connection, method)


def read(connection: socket.socket, method: str = "GET") -> Answer:
    """Read one answer from an open connection that has no further answer under way."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())
