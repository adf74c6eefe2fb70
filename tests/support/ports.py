"""Free TCP ports."""

import socket
from collections import deque
from dataclasses import fields

from entrypoint.settings import parsing
from entrypoint.settings.settings import Settings

#: Ports handed out and perhaps not bound yet: the kernel would hand one out again, and a pod refuses equal ports.
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


def free_ports() -> dict[str, str]:
    """A free port for every port setting, those of services to come included: two pods of the tests share none."""
    ports = [each.metadata["variable"] for each in fields(Settings) if each.metadata["parse"] is parsing.port]
    return {variable: str(free_port()) for variable in ports}
