"""A: checks that ports are free."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Collection

from entrypoint.conditions.condition import CannotDo, Condition

#: Seconds for which an ending instance may still hold a port.
PATIENCE = 5.0


def is_free(address: str, port: int) -> bool:
    """Whether a server could listen there now; with "::", on IPv6 alone, False where the kernel has none."""
    return problem_at(address, port) == ""


def free_port() -> int:
    """A port of the loopback that the kernel chooses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def taken_ports(ports: Collection[int]) -> dict[int, str]:
    """Wait until the ports are free, all together; those that another program still holds after PATIENCE, and why."""
    deadline = time.monotonic() + PATIENCE
    while True:
        taken = {port: problem for port in ports if (problem := problem_at("0.0.0.0", port))}
        if not taken or time.monotonic() > deadline:
            return taken
        time.sleep(0.2)


def by(port: int) -> str:
    """Which program listens there, as " by python3 (process 12)"; "" where the kernel does not tell this user."""
    import psutil  # 20 ms, and rarely needed

    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            at = connection.laddr[1] if connection.laddr else 0
            if connection.status == psutil.CONN_LISTEN and at == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def port_taken(condition: str, port: int, problem: str, variable: str) -> Condition:
    """The condition called `condition`; `variable`: the setting to change."""
    remedy = f"stop the program that listens there, or set {variable}"
    return Condition(condition, f"cannot listen on port {port}: {problem}{by(port)}", remedy)


def wait_for_port(port: int, condition: str, variable: str) -> None:
    """Wait until the port is free; a server would notice only at the end of its start, and exit.

    Raises:
        CannotDo: Another program holds the port.
    """
    for taken, problem in taken_ports([port]).items():
        raise CannotDo(port_taken(condition, taken, problem, variable))


def problem_at(address: str, port: int) -> str:
    """Why nothing can listen there, or ""."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with contextlib.closing(socket.socket(family)) as listener:
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            return ""
    except OSError as error:
        return error.strerror or str(error)
