"""A: sends HTTP requests to this machine, each with one deadline for the whole response.

Not http.client: its e-mail parser costs 6 MiB of memory, and its timeout holds for each read alone.
"""

import json
import socket
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

#: The most bytes of a response that are read.
MOST = 4 << 20


class Answer(NamedTuple):
    """A response: HTTP status (0: there was no response), body, status line and headers (`head`).

    `problem`: why there was no response, or its status from 500 on; else None.
    """

    status: int
    body: bytes = b""
    problem: str | None = None
    head: str = ""


def get(port: int, path: str, timeout: float) -> Answer:
    """GET http://127.0.0.1:port/path. A status below 500 is no problem: 401 and 404 come from a living server."""
    return send("GET", port, path, timeout)


def send(
    method: str, port: int, path: str, timeout: float, headers: Mapping[str, str] | None = None, body: str = ""
) -> Answer:
    """Send a request to 127.0.0.1:port; `headers` replace the default ones, Host included (as a proxy sends it)."""
    deadline = time.monotonic() + timeout
    fields = {"Host": f"127.0.0.1:{port}", "User-Agent": "podkeeper", **(headers or {})}
    if body:
        fields["Content-Length"] = str(len(body.encode()))
    lines = [f"{method} {path} HTTP/1.0", *(f"{name}: {text}" for name, text in fields.items()), "", body]
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            connection.sendall("\r\n".join(lines).encode())
            data = read_all(connection, deadline, MOST)
        head, _, content = data.partition(b"\r\n\r\n")
        status = int(head.split(None, 2)[1])
    except TimeoutError:
        return Answer(0, problem=f"no answer within {timeout:g} s")
    except (OSError, ValueError, IndexError) as problem:
        return Answer(0, problem=str(problem) or type(problem).__name__)
    return Answer(status, content, None if status < 500 else f"status {status}", head.decode("latin-1"))


def read_all(connection: socket.socket, deadline: float, most: int) -> bytes:
    """Read until the other side closes the connection, or until about `most` bytes have arrived.

    Raises:
        TimeoutError: The clock (time.monotonic) passed `deadline`.
        OSError: The connection broke.
    """
    data = bytearray()
    while len(data) < most:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")  # the words of the socket itself
        connection.settimeout(left)
        chunk = connection.recv(65536)
        if not chunk:
            break
        data += chunk
    return bytes(data)


def get_json(port: int, path: str, timeout: float) -> Any:
    """Return the decoded body of a response with status 200, or None."""
    answer = get(port, path, timeout)
    try:
        return json.loads(answer.body) if answer.status == 200 else None
    except ValueError:
        return None


def is_up(port: int, path: str, timeout: float) -> bool:
    """Whether the service answers within `timeout` seconds."""
    return get(port, path, timeout).problem is None
