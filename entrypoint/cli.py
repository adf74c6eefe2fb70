"""A: `podkeeper status | start | stop | restart | tail`: supervisorctl, pointed at this pod; `podkeeper models`.

In a terminal of the pod the environment says where the pod is; under `docker exec` it does not, and the places
are worked out again as the entrypoint did.
"""

from __future__ import annotations

import os
import sys

from entrypoint.facts import look
from entrypoint.handoff import SUPERVISORD_CONF
from entrypoint.paths import Paths, locate
from entrypoint.settings import BadSettings, Settings

COMMANDS = ("status", "start", "stop", "restart", "tail")
USAGE = """usage: podkeeper status [SERVICE]          what runs, since when, and what is being restarted
       podkeeper restart|start|stop SERVICE  SERVICE: jupyter, comfyui or all
       podkeeper tail [-f] SERVICE           the end of its log
       podkeeper models list|plan|fetch|verify|add|rm  models: what there is, what would be fetched, ...
"""
EX_USAGE, EX_UNAVAILABLE, EX_CONFIG = 64, 69, 78


def main(arguments: list[str]) -> int:
    """Become supervisorctl; returns only when that can't be done."""
    if not arguments or arguments[0] not in (*COMMANDS, "models"):
        wanted = arguments[:1] in (["help"], ["--help"], ["-h"])
        print(USAGE, end="", file=sys.stdout if wanted else sys.stderr)
        return 0 if wanted else EX_USAGE
    try:
        environ = pod_environ()
    except BadSettings as error:
        print("\n".join(f"podkeeper: {problem}" for problem in error.problems), file=sys.stderr)
        return EX_CONFIG
    if arguments[0] == "models":
        command = [sys.executable, "-I", "-m", "entrypoint.models", *(arguments[1:] or ["list"])]
        return os.execve(sys.executable, command, environ)
    if not os.path.exists(f"{environ['PODKEEPER_RUNTIME_PATH']}/supervisor.sock"):
        print(
            "podkeeper: no pod runs here (in local mode set PODKEEPER_HOME, or use scripts/run)",
            file=sys.stderr,
        )
        return EX_UNAVAILABLE
    command = [sys.executable, "-I", "-m", "supervisor.supervisorctl", "-c", SUPERVISORD_CONF, *arguments]
    return os.execve(sys.executable, command, environ)


def pod_environ() -> dict[str, str]:
    """This environment with the places of the pod in it.

    Raises:
        BadSettings: The environment can't be the one of a pod.
    """
    try:
        paths = Paths.from_environ(os.environ)
    except KeyError:
        paths = locate(Settings.from_environ(os.environ), look())
    return dict(os.environ) | paths.to_environ()
