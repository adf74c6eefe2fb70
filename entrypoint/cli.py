"""A: `podkeeper COMMAND`: finds the pod and becomes what does it.

Each command is a program of its own, so that none pays for another's imports.
"""

from __future__ import annotations

import os
import sys

from entrypoint.boot.exec_supervisord import SUPERVISORD_CONF
from entrypoint.settings.settings import BadSettings
from entrypoint.system.attach import attach

#: Answered by supervisorctl, pointed at this pod.
CONTROL = ("start", "stop", "restart", "tail")
#: Command -> module, and whether a pod has to run for it.
MODULES = {
    "status": ("entrypoint.commands.status", True),
    "doctor": ("entrypoint.doctor", False),
    "logs": ("entrypoint.commands.logs", True),
    "url": ("entrypoint.commands.url", True),
    "models": ("entrypoint.models", False),
}
USAGE = """usage: podkeeper status [--json | --watch] [SERVICE ...]   what runs, what is restarted and why
       podkeeper doctor [--json] [--bundle FILE.tar.gz]   every check, the cause of trouble first; for support
       podkeeper logs [-f] [-n LINES] [NAME ...]          the end of the logs
       podkeeper url [SERVICE]                            addresses, with the login
       podkeeper restart|start|stop SERVICE               SERVICE: jupyter, comfyui or all
       podkeeper models list|plan|fetch|verify|add|rm     models: what there is, what would be fetched, ...
       podkeeper completion bash|zsh                      for your shell: source <(podkeeper completion bash)
"""
EX_USAGE, EX_UNAVAILABLE, EX_CONFIG = 64, 69, 78
_COMPLETION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "commands", "completion.bash")
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def main(arguments: list[str]) -> int:
    """Become the command; returns only when that can't be done."""
    name, rest = (arguments or [""])[0], arguments[1:]
    if name == "completion" and rest in (["bash"], ["zsh"]):
        return _print_completion(rest[0])
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


def _print_completion(shell: str) -> int:
    with open(_COMPLETION, encoding="utf-8") as file:
        print((_ZSH if shell == "zsh" else "") + file.read(), end="")
    return 0
