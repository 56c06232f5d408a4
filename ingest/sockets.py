"""Listening sockets."""

import socket
from enum import StrEnum

_BACKLOG = 4_096  # the kernel cuts it to net.core.somaxconn, 4,096 by default


class Options(StrEnum):
    """What moves a listener elsewhere, as a message names it."""

    PUBLIC = "http.host or http.port (--host, --port)"
    ADMIN = "admin.host or admin.port (--admin-port)"


def bind(host: str, port: int, options: Options) -> socket.socket:
    """Listen on `host` (an address or a name) and `port` (0: a free one).

    Raises `OSError` naming host, port and `options` when that cannot be.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise OSError(f"cannot listen on {host}: {error.strerror}; set {options}") from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # `::` means all
        sock.bind(address)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        where = f"{host}, port {port}"
        raise OSError(f"cannot listen on {where}: {error.strerror}; set {options}") from None
    return sock


def port_of(sock: socket.socket) -> int:
    """The port that a bound socket listens on."""
    port: int = sock.getsockname()[1]
    return port


def shown(host: str, sock: socket.socket) -> str:
    """Where a bound socket listens, as people write it: `http://127.0.0.1:8080`."""
    return f"http://[{host}]:{port_of(sock)}" if ":" in host else f"http://{host}:{port_of(sock)}"
