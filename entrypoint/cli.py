"""A: `podkeeper COMMAND`: finds the pod and becomes what does it.

Each command is a program of its own, so that none pays for another's imports.
"""

from __future__ import annotations

import os
import sys

from entrypoint.attach import attach
from entrypoint.handoff import SUPERVISORD_CONF
from entrypoint.settings import BadSettings

#: Answered by supervisorctl, pointed at this pod.
CONTROL = ("status", "start", "stop", "restart", "tail")
#: Command -> module, and whether a pod has to run for it.
MODULES = {
    "models": ("entrypoint.models", False),
    "doctor": ("entrypoint.doctor", False),
}
USAGE = """usage: podkeeper status [SERVICE]          what runs, since when, and what is being restarted
       podkeeper doctor [--json]           every check there is, the cause of the trouble first
       podkeeper restart|start|stop SERVICE  SERVICE: jupyter, comfyui or all
       podkeeper tail [-f] SERVICE           the end of its log
       podkeeper models list|plan|fetch|verify  what there is, what would be fetched; fetch it; hash it again
"""
EX_USAGE, EX_UNAVAILABLE, EX_CONFIG = 64, 69, 78


def main(arguments: list[str]) -> int:
    """Become the command; returns only when that can't be done."""
    name, rest = (arguments or [""])[0], arguments[1:]
    if name not in (*CONTROL, *MODULES):
        wanted = name in ("help", "--help", "-h")
        print(USAGE, end="", file=sys.stdout if wanted else sys.stderr)
        return 0 if wanted else EX_USAGE
    try:
        pod = attach(os.environ)
    except BadSettings as error:
        print("\n".join(f"podkeeper: {problem}" for problem in error.problems), file=sys.stderr)
        return EX_CONFIG
    module, needs_pod = MODULES.get(name, ("supervisor.supervisorctl", True))
    if needs_pod and not pod.supervisord:
        print(
            "podkeeper: no pod runs here (in local mode set PODKEEPER_HOME, or use scripts/run)",
            file=sys.stderr,
        )
        return EX_UNAVAILABLE
    if name in CONTROL:
        rest = ["-c", SUPERVISORD_CONF, name, *rest]
    elif name == "models":
        rest = rest or ["list"]
    return os.execve(sys.executable, [sys.executable, "-I", "-m", module, *rest], dict(pod.environ))
