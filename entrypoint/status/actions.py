"""A: the page's buttons: start, stop or restart a program through supervisord."""

from __future__ import annotations

import contextlib

from entrypoint.settings.paths import Paths
from entrypoint.settings.services import PROGRAMS
from entrypoint.system.supervisord_rpc import Refused, call

VERBS = ("start", "stop", "restart")
#: The programs that have buttons -> what a stop or restart of each costs.
BUTTONS = {program.name: program.restart_note for program in PROGRAMS if program.buttons}
#: In the message of a start that finds the program running.
RUNNING = "already running"
_TIMEOUT = 5.0
#: Seconds supervisord may take to stop a program; it kills after 6.
_STOP_TIMEOUT = 15.0


def control(paths: Paths, program: str, verb: str) -> str:
    """Start, stop or restart a program.

    Returns:
        The reason for a failure, in one line; "" when supervisord has accepted.
    """
    socket = f"{paths.runtime}/supervisor.sock"
    try:
        if verb == "restart":
            with contextlib.suppress(Refused):  # the program is not running: a start is enough
                call(socket, "supervisor.stopProcess", program, True, timeout=_STOP_TIMEOUT)
        method = "supervisor.stopProcess" if verb == "stop" else "supervisor.startProcess"
        call(socket, method, program, False, timeout=_TIMEOUT)
    except Refused as refused:
        return _message(str(refused), program)
    except OSError as error:
        return f"supervisord does not answer: {error}"
    return ""


def _message(fault: str, program: str) -> str:
    """The message for one of supervisor.xmlrpc.Faults, names like ALREADY_STARTED."""
    name = fault.partition(":")[0]
    messages = {
        "ALREADY_STARTED": RUNNING,
        "NOT_RUNNING": "not running",
        "BAD_NAME": "this pod has no such program",
        "NO_FILE": "its program file is missing",
        "SPAWN_ERROR": "could not be started; see its log",
        "SHUTDOWN_STATE": "the pod is stopping",
    }
    return f"{program}: {messages.get(name, fault)}"
