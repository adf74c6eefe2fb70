"""A: calls supervisord's XML-RPC interface over its socket, with one deadline for the whole response.

Not supervisor.xmlrpc's transport: it has no timeout, so that a stopped supervisord would block the caller.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import time
import xmlrpc.client
from typing import Any

from entrypoint.system.loopback_http import read_all

#: No secret: the socket's mode protects it (see supervisord.conf).
_LOGIN = base64.b64encode(b"podkeeper:podkeeper").decode()
_MOST = 1 << 20
_START_S = 5.0


class Refused(Exception):
    """supervisord returned a fault; the message is its text."""


def call(socket_path: str, method: str, *arguments: Any, timeout: float) -> Any:
    """Call `method`, for example `supervisor.getAllProcessInfo`.

    Raises:
        OSError: No supervisord, no permission (the socket is the pod's user's), or no response in `timeout` seconds.
        Refused: supervisord returned a fault; the message says why.
    """
    body = xmlrpc.client.dumps(arguments, method, encoding="utf-8").encode()
    head = (
        f"POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nAuthorization: Basic {_LOGIN}\r\n"
        f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    status, _, content = _exchange(socket_path, head.encode() + body, timeout).partition(b"\r\n\r\n")
    if b" 200 " not in status[:16]:
        raise OSError(f"supervisord answered {status[:80].decode(errors='replace').splitlines()[:1]}")
    try:
        (result,), _ = xmlrpc.client.loads(content)
    except xmlrpc.client.Fault as fault:
        raise Refused(fault.faultString) from None
    except Exception as error:  # half an answer: whatever the parser makes of it
        raise OSError(f"supervisord's answer can't be read: {error}") from error
    return result


def start(runtime: str, program: str) -> None:
    """Start a program of the pod, unless it runs; a supervisord that does not respond is none to start it.

    Args:
        runtime: The runtime folder.
        program: Its name in supervisord.conf.
    """
    with contextlib.suppress(Refused, OSError):
        call(f"{runtime}/supervisor.sock", "supervisor.startProcess", program, False, timeout=_START_S)


def _exchange(socket_path: str, request: bytes, timeout: float) -> bytes:
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(socket_path)
        connection.sendall(request)
        return read_all(connection, deadline, _MOST)
