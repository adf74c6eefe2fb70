"""Free TCP ports."""

import os
import secrets
import socket
from collections import deque
from dataclasses import fields

from entrypoint.settings import parsing
from entrypoint.settings.settings import Settings

#: Below 32768, where Linux begins to take the ports of outgoing connections (net.ipv4.ip_local_port_range): none of
#: them takes a port between this module's look and the pod's bind. Above the pod's default ports.
_FIRST, _COUNT = 20_000, 12_000
#: Ports handed out and perhaps not bound yet: chance would hand one out again, and a pod refuses equal ports.
_GIVEN: deque[int] = deque(maxlen=256)


def port_range(worker: str, workers: int) -> range:
    """The ports of one of the processes that pytest-xdist runs side by side: "gw0", "gw1", ... share none.

    Where one has crashed, the next number (of more than `workers`) has a range of another, as two suites have.
    """
    count = _COUNT // workers
    first = _FIRST + int(worker.removeprefix("gw")) % workers * count
    return range(first, first + count)


_RANGE = port_range(os.environ.get("PYTEST_XDIST_WORKER", "gw0"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def free_port() -> int:
    """A TCP port that was free a moment ago; another one each time."""
    while True:
        port = secrets.choice(_RANGE)
        if port not in _GIVEN and _is_free(port):
            _GIVEN.append(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports() -> dict[str, str]:
    """A free port for every port setting, those of services to come included: two pods of the tests share none."""
    ports = [each.metadata["variable"] for each in fields(Settings) if each.metadata["parse"] is parsing.port]
    return {variable: str(free_port()) for variable in ports}
