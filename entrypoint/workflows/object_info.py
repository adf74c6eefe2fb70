"""A: asks the running ComfyUI for its classes: `/object_info`, 3 MB with ComfyUI's own nodes alone."""

from __future__ import annotations

import contextlib
import json
import socket
import time

from entrypoint.system.loopback_http import read_all

_TIMEOUT_S, _MOST = 10.0, 64 << 20


def request(port: int) -> bytes:
    """The response's body, or b"" where ComfyUI does not respond (in time)."""
    deadline = time.monotonic() + _TIMEOUT_S
    lines = ("GET /object_info HTTP/1.0", f"Host: 127.0.0.1:{port}", "User-Agent: podkeeper", "", "")
    with contextlib.suppress(OSError, IndexError), socket.create_connection(("127.0.0.1", port), 2.0) as connection:
        connection.sendall("\r\n".join(lines).encode())
        head, _, body = read_all(connection, deadline, _MOST).partition(b"\r\n\r\n")
        if head.split(None, 2)[1] == b"200":
            return body
    return b""


def classes_of(body: bytes) -> frozenset[str] | None:
    """The classes in a response; None: it is not one."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return frozenset(content) if isinstance(content, dict) else None
