"""A: does a service answer? One HTTP request over a bare socket (http.client costs 20 ms and 5 MiB more)."""

from __future__ import annotations

import socket
import time


def http_status(port: int, path: str, timeout: float) -> int | None:
    """Status code of `GET path` on this machine, or None when no answer came.

    Args:
        port: TCP port on 127.0.0.1.
        path: Absolute path.
        timeout: Seconds for the whole exchange: a server that sends a byte a second has failed too.
    """
    deadline = time.monotonic() + timeout
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            connection.sendall(request.encode("ascii"))
            while b"\r\n" not in answer:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                part = connection.recv(512)
                if not part:
                    return None
                answer += part
        return int(answer.split(b" ", 2)[1])
    except (OSError, ValueError, IndexError):
        return None


def is_up(port: int, path: str, timeout: float) -> bool:
    """Whether the service answers: any status below 500 means that its event loop is alive."""
    status = http_status(port, path, timeout)
    return status is not None and status < 500
