"""A: check what makes ComfyUI fail at start, then become it: `python -I -m entrypoint.comfyui`.

Every launch goes through here, restarts included: what was wrong last time may have been mended.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from entrypoint.comfyui import arguments, installation, preflight
from entrypoint.comfyui.manager_config import settle
from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.conditions.registry import blocked_services, cleared_by
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.ports import wait_for_port
from entrypoint.system.privileges import become_service_user

#: supervisord restarts the program after EX_TEMPFAIL, not after EX_CONFIG (`exitcodes` in supervisord.conf).
EX_TEMPFAIL, EX_CONFIG = 75, 78
PROGRAM = "comfyui"


def main() -> int:
    """Become ComfyUI; returns only when it can't be launched."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    become_service_user(settings)
    try:
        found = installation.find(settings)
        launch = preflight.look(paths, found)
        variable = "COMFYUI_INTERNAL_PORT" if settings.gateway else "COMFYUI_PORT"
        wait_for_port(settings.comfyui_internal_port, "ComfyUIPortTaken", variable)
    except CannotDo as error:
        report(paths.runtime, [error.condition])
        return EX_CONFIG if blocked_services({error.condition.name}) else EX_TEMPFAIL
    command, conditions = arguments.build(settings, paths, launch)
    report(paths.runtime, conditions + settle(settings, paths))
    return become(found, command, paths)


def report(runtime: str, conditions: list[Condition]) -> None:
    """Record the conditions of this launch and clear those of an earlier one."""
    for name in cleared_by(PROGRAM) - {condition.name for condition in conditions}:
        clear_condition(runtime, name)
    for condition in conditions:
        raise_condition(runtime, condition)
        print(f"comfyui: {condition}", flush=True)


def become(found: installation.Source, command: list[str], paths: Paths) -> NoReturn:
    """Replace this process by ComfyUI, so that supervisord's signals reach it.

    ComfyUI-Manager's reboot button writes `<__COMFY_CLI_SESSION__>.reboot` and ends with 0 where that variable is
    set; the restart plugin takes such an end for the wanted restart it is (supervision/notes.py).
    """
    environ = os.environ | {
        "PATH": f"{os.path.dirname(found.python)}:{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
        "__COMFY_CLI_SESSION__": paths.requests + "/comfyui",
    }
    line = [found.python, f"{found.folder}/main.py", *command]
    print("comfyui: " + " ".join(line), flush=True)
    os.chdir(found.folder)
    os.execve(found.python, line, environ)


if __name__ == "__main__":
    sys.exit(main())
