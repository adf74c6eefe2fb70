"""A: ComfyUI's launcher: checks what would make ComfyUI fail, then executes it: `python -I -m entrypoint.comfyui`.

Every launch runs the checks, restarts included: the user may have fixed the last problem.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NoReturn

from entrypoint.comfyui import arguments, installation, preflight
from entrypoint.comfyui.manager_config import apply_security_level
from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.launch_report import report_launch
from entrypoint.system.named_secrets import named_secrets
from entrypoint.system.ports import wait_for_port
from entrypoint.system.privileges import become_service_user


def main() -> int:
    """Execute ComfyUI; returns an exit code only when it cannot be launched."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    secrets = named_secrets(settings.comfyui_secrets, paths)  # while this process may still be root
    become_service_user(settings)
    try:
        source = installation.find(settings)
        launch = preflight.collect(paths, source)
        door = service_named("comfyui").behind_door(settings)
        variable = "COMFYUI_INTERNAL_PORT" if door else "COMFYUI_PORT"
        wait_for_port(settings.comfyui_internal_port, "ComfyUIPortTaken", variable)
    except CannotDo as error:
        return report_launch(paths.runtime, "comfyui", [error.condition])
    command, conditions = arguments.build(settings, paths, launch)
    report_launch(paths.runtime, "comfyui", conditions + apply_security_level(settings, paths))
    return exec_comfyui(source, command, paths, secrets)


def exec_comfyui(
    source: installation.Source, arguments: list[str], paths: Paths, secrets: Mapping[str, str]
) -> NoReturn:
    """Replace this process by ComfyUI, so that supervisord's signals reach ComfyUI.

    Where that variable is set, ComfyUI-Manager's reboot button writes `<__COMFY_CLI_SESSION__>.reboot` and exits
    with 0; the restart plugin treats such an exit as a requested restart (supervision/). No other process than ComfyUI
    gets the `secrets`: not the checks, which run its packages.
    """
    environ = (
        os.environ
        | secrets
        | {
            "PATH": f"{os.path.dirname(source.python)}:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "__COMFY_CLI_SESSION__": paths.requests + "/comfyui",
        }
    )
    command = [source.python, f"{source.folder}/main.py", *arguments]
    print("comfyui: " + " ".join(command), flush=True)
    os.chdir(source.folder)
    os.execve(source.python, command, environ)


if __name__ == "__main__":
    sys.exit(main())
