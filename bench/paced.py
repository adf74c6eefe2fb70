"""A server of one file that the kernel paces at so many bytes a second for each connection (socket(7)).

nginx's limit_rate gives every request a second's worth at once: who asks for small ranges is not limited by it at all.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from pathlib import Path

_SO_MAX_PACING_RATE = 47


class Paced:
    """Runs in threads of its own; `with Paced(file, 20_000_000) as server`."""

    def __init__(self, file: Path, rate: int) -> None:
        self._file, self._rate = file.open("rb"), rate
        self._size = file.stat().st_size
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Paced:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, self._rate)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while head := _request(connection):
                    self._answer(connection, head)
            except OSError:
                return

    def _answer(self, connection: socket.socket, head: bytes) -> None:
        wanted = re.search(rb"(?i)\r\nrange: *bytes=(\d+)-(\d*)", head)
        first, last = 0, self._size - 1
        status = "200 OK"
        if wanted:
            first, last = int(wanted.group(1)), min(int(wanted.group(2) or last), last)
            status = f"206 Partial Content\r\nContent-Range: bytes {first}-{last}/{self._size}"
        text = (
            f'HTTP/1.1 {status}\r\nContent-Length: {last - first + 1}\r\nETag: "1"\r\nAccept-Ranges: bytes\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        connection.sendall(text.encode())
        if head.startswith(b"HEAD"):
            return
        while first <= last:
            first += os.sendfile(connection.fileno(), self._file.fileno(), first, min(last - first + 1, 1 << 20))


def _request(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            return b""
        head += more
    return head
