"""TCP ports of this machine."""

import socket


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def responds(port: int, path: str) -> bool:
    """Whether an HTTP server responds with 200.

    A bare socket: a request every few milliseconds must not take the processor from what is measured.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as client:
            client.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            return client.recv(12).endswith(b" 200")
    except OSError:
        return False
