"""A: the page's buttons: start, stop or restart a program, by way of supervisord."""

from __future__ import annotations

import contextlib

from entrypoint.settings.paths import Paths
from entrypoint.settings.services import PROGRAMS
from entrypoint.system.supervisord_rpc import Refused, call

VERBS = ("start", "stop", "restart")
#: The programs that have buttons.
BUTTONS = {program.name: program.restart_note for program in PROGRAMS if program.buttons}
_TIMEOUT = 5.0
#: Seconds supervisord may take to stop a program; it kills after 6.
_STOP_TIMEOUT = 15.0


def act(paths: Paths, program: str, verb: str) -> str:
    """Do it.

    Returns:
        Why it can't be done, in one line; "" when it is under way.
    """
    socket = f"{paths.runtime}/supervisor.sock"
    try:
        if verb == "restart":
            with contextlib.suppress(Refused):  # it does not run: then it is only started
                call(socket, "supervisor.stopProcess", program, True, timeout=_STOP_TIMEOUT)
        method = "supervisor.stopProcess" if verb == "stop" else "supervisor.startProcess"
        call(socket, method, program, False, timeout=_TIMEOUT)
    except Refused as refused:
        return _in_words(str(refused), program)
    except OSError as error:
        return f"supervisord does not answer: {error}"
    return ""


def _in_words(fault: str, program: str) -> str:
    """supervisor.xmlrpc.Faults are names like ALREADY_STARTED."""
    name = fault.partition(":")[0]
    words = {
        "ALREADY_STARTED": "it runs already",
        "NOT_RUNNING": "it does not run",
        "BAD_NAME": "this pod has no such program",
        "NO_FILE": "its program file is missing",
        "SPAWN_ERROR": "it could not be started; see its log",
        "SHUTDOWN_STATE": "the pod is stopping",
    }
    return f"{program}: {words.get(name, fault)}"
