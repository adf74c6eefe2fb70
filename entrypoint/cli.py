"""A: `podkeeper COMMAND`: finds the pod and becomes the command's own program.

Each command is a program of its own, so that none pays for the imports of another.
"""

from __future__ import annotations

import os
import sys

from entrypoint.boot.exec_supervisord import SUPERVISORD_CONF
from entrypoint.commands.arguments import CONTROL, EX_USAGE, build_parser
from entrypoint.system.attach import attach
from entrypoint.system.console import flush_stdout

#: Command -> module, and whether a pod has to run for it.
MODULES = {
    "status": ("entrypoint.commands.status", True),
    "doctor": ("entrypoint.doctor", False),
    "logs": ("entrypoint.commands.logs", True),
    "url": ("entrypoint.commands.url", True),
    "models": ("entrypoint.commands.models", False),
    "workflow": ("entrypoint.commands.workflow", False),
    "run": ("entrypoint.commands.run", True),
    "nodes": ("entrypoint.commands.nodes", False),
    "comfyui": ("entrypoint.commands.comfyui", False),
    "gpu": ("entrypoint.commands.gpu", False),
    "packages": ("entrypoint.commands.packages", False),
    "cost": ("entrypoint.commands.cost", True),
    "keep": ("entrypoint.commands.keep", True),
    "queue": ("entrypoint.commands.queue", True),
    "drain": ("entrypoint.commands.drain", True),
    "outputs": ("entrypoint.commands.outputs", True),
    "export": ("entrypoint.commands.export", False),
}
EX_UNAVAILABLE = 69


def main(arguments: list[str]) -> int:
    """Become the command's program; returns only for help, completion and errors."""
    try:
        return _main(arguments)
    except BrokenPipeError:
        return 0
    finally:
        flush_stdout()


def _main(arguments: list[str]) -> int:
    parser = build_parser()
    given = parser.parse_args(arguments)
    command = given.command
    if command in (None, "help"):
        parser.print_help(sys.stdout if command else sys.stderr)
        return 0 if command else EX_USAGE
    if command == "completion":
        from entrypoint.commands.completion import completion

        print(completion(given.shell))
        return 0
    pod = attach(os.environ)
    module, needs_pod = MODULES.get(command, ("entrypoint.commands.control", True))
    if needs_pod and not pod.supervisord:
        hint = "in local mode set PODKEEPER_HOME, or use scripts/run"
        print(f"podkeeper: no pod runs here ({hint})", file=sys.stderr)
        return EX_UNAVAILABLE
    rest = ["-c", SUPERVISORD_CONF, *arguments] if command in CONTROL else arguments[1:]
    return os.execve(sys.executable, [sys.executable, "-I", "-m", module, *rest], dict(pod.environ))
