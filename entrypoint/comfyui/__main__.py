"""A: ComfyUI's launcher: checks what would make ComfyUI fail, then executes it: `python -I -m entrypoint.comfyui`.

Every launch runs the checks, restarts included: the user may have fixed the last problem.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

from entrypoint.comfyui import arguments, installation, preflight
from entrypoint.comfyui.arguments import MANAGER, attention_of
from entrypoint.comfyui.failure import by_argument, failure_of_last_starts
from entrypoint.comfyui.manager_config import apply_security_level
from entrypoint.comfyui.versions.launch import version_to_launch
from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.gpu.verdicts import note_launch as note_gpu_launch
from entrypoint.nodes import left_out
from entrypoint.nodes.image_nodes import links_folder
from entrypoint.nodes.inventory import Launch, note_launch
from entrypoint.packages.base_environment import Base, is_thin
from entrypoint.packages.environment import has_served, note_start, prepare
from entrypoint.packages.overlay import pip_environ
from entrypoint.queue.inside.names import MODE
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system import cgroup
from entrypoint.system.launch_report import report_launch
from entrypoint.system.named_secrets import named_secrets
from entrypoint.system.ports import wait_for_port
from entrypoint.system.privileges import become_service_user
from entrypoint.system.thread_limits import few_tasks, thread_variables
from entrypoint.volumes.layout import make_first_folders


def main() -> int:
    """Execute ComfyUI; returns an exit code only when it cannot be launched."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    secrets = named_secrets(settings.comfyui_secrets, paths)  # while this process may still be root
    become_service_user(settings)
    make_first_folders(paths)
    try:
        if is_thin() and not settings.comfyui_python and not settings.comfyui_dir:
            base = Base(paths, settings.torch)
            if not base.is_whole():
                base.arrive()
        source = installation.find(settings)
        versions: list[Condition] = []
        packages = None
        if installation.is_ours(settings, source):
            source, versions = version_to_launch(paths, source)
            packages = prepare(settings, paths, source.python)
        if packages:
            source = replace(source, python=packages.python)
        launch = preflight.collect(paths, source)
        door = service_named("comfyui").behind_door(settings)
        variable = "COMFYUI_INTERNAL_PORT" if door else "COMFYUI_PORT"
        wait_for_port(settings.comfyui_internal_port, "ComfyUIPortTaken", variable)
    except CannotDo as error:
        return report_launch(paths.runtime, "comfyui", [error.condition])
    command, conditions = arguments.build(settings, paths, launch)
    around = f"{packages.fingerprint if packages else ''} {installation.version(source)}"
    folders = (
        f"{paths.data}/custom_nodes",
        f"{source.folder}/custom_nodes",
        os.path.dirname(launch.handover) + "/nodes",
        links_folder(paths),
        *launch.extra_nodes,
    )
    rolled_back = bool(packages and packages.rolled_back)
    failure = failure_of_last_starts(paths)
    explained = rolled_back or by_argument(failure)
    served = has_served(paths)
    nodes = left_out.prepare(paths, folders, settings.comfyui_args, around, served=served, explained=explained)
    command += nodes.arguments
    included = any(word.startswith(MANAGER) for word in command)  # argparse takes beginnings of the other one
    conditions += [
        *apply_security_level(settings, paths, included=included),
        *nodes.conditions,
        *versions,
        *(packages.conditions if packages else ()),
        *failure,
        *few_tasks(cgroup.limits()),
    ]
    report_launch(paths.runtime, "comfyui", conditions)
    with contextlib.suppress(OSError):
        manager = installation.manager_version(source) if included else ""
        note_gpu_launch(paths, source.python, attention_of(command))
        note_launch(paths, Launch(installation.version_number(source), manager))
        note_start(paths, packages.fingerprint if packages else "")
    queue = {MODE: settings.queue_restore}
    return exec_comfyui(source, command, paths, secrets | queue | (packages.environ if packages else {}))


def exec_comfyui(source: installation.Source, arguments: list[str], paths: Paths, more: Mapping[str, str]) -> NoReturn:
    """Replace this process by ComfyUI, so that supervisord's signals reach ComfyUI.

    Where that variable is set, ComfyUI-Manager's reboot button writes `<__COMFY_CLI_SESSION__>.reboot` and exits
    with 0; the restart plugin treats such an exit as a requested restart (supervision/). No other process than ComfyUI
    gets the secrets among `more`: not the checks, which run its packages.
    """
    environ = pip_environ() | {
        **thread_variables(cgroup.limits(), os.environ),
        **more,
        "PATH": f"{os.path.dirname(source.python)}:{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
        "__COMFY_CLI_SESSION__": paths.requests + "/comfyui",
    }
    # faulthandler prints where a segmentation fault happened; the runner notes which node is being loaded.
    runner = ["-X", "faulthandler", left_out.RUNNER, left_out.marker(paths)]
    command = [source.python, *runner, f"{source.folder}/main.py", *arguments]
    print("comfyui: " + " ".join(command), flush=True)
    os.chdir(source.folder)
    os.execve(source.python, command, environ)


if __name__ == "__main__":
    sys.exit(main())
