"""Ports nobody uses."""

import socket
from collections import deque

#: Given away and perhaps not listened on yet: the kernel would give one again, and a pod refuses two that are equal.
_GIVEN: deque[int] = deque(maxlen=256)


def free_port() -> int:
    """A TCP port that was free a moment ago; another one each time."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
        if port in _GIVEN:
            return free_port()
        _GIVEN.append(port)
        return port
