"""Listening sockets."""

import socket

_BACKLOG = 4_096  # the kernel cuts it to net.core.somaxconn, 4,096 by default


def bind(host: str, port: int) -> socket.socket:
    """Listen on `host` (an address or a name) and `port` (0: a free one).

    Raises `OSError` naming host and port when that cannot be.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {host}: {error.strerror}") from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # `::` means all
        sock.bind(address)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        reason = f"cannot listen on {host}, port {port}: {error.strerror}"
        raise OSError(error.errno, reason) from None
    return sock


def port_of(sock: socket.socket) -> int:
    """The port that a bound socket listens on."""
    port: int = sock.getsockname()[1]
    return port
