"""A: is a port free?"""

from __future__ import annotations

import socket
import time

from entrypoint.conditions.condition import CannotDo, Condition

#: Seconds a port may still be taken by the instance that is just ending.
PATIENCE = 5.0


def wait_for_port(port: int, condition: str, variable: str) -> None:
    """Wait until the port is free; a server would find out only at the end of its start, and exit.

    Raises:
        CannotDo: Something else keeps it. `condition` is its name, `variable` the setting to change.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("0.0.0.0", port))  # on every address: it may be taken on one
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    reason = f"port {port} can't be used: {error.strerror}"
                    remedy = f"stop the program that listens there, or set {variable}"
                    raise CannotDo(Condition(condition, reason, remedy)) from error
        time.sleep(0.2)
