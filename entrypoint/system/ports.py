"""A: checks that a port is free."""

from __future__ import annotations

import socket
import time

from entrypoint.conditions.condition import CannotDo, Condition

#: Seconds for which an ending instance may still hold the port.
PATIENCE = 5.0


def wait_for_port(port: int, condition: str, variable: str) -> None:
    """Wait until the port is free; a server would notice only at the end of its start, and exit.

    Args:
        port: TCP port.
        condition: Name of the condition to raise.
        variable: The setting to change, for the remedy.

    Raises:
        CannotDo: Another program holds the port.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("0.0.0.0", port))  # every address: it can be taken on a single one
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    reason = f"cannot listen on port {port}: {error.strerror}"
                    remedy = f"stop the program that listens there, or set {variable}"
                    raise CannotDo(Condition(condition, reason, remedy)) from error
        time.sleep(0.2)
