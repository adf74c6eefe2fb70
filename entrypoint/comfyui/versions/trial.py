"""A: starts a version of ComfyUI on a spare port of the loopback, beside the one that runs, and ends it again.

It has folders of its own for what ComfyUI clears or writes at a start: its temporary files (main.py: `cleanup_temp`),
the user's settings, ComfyUI-Manager's pending installations, the database. Models and custom nodes are the pod's.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from dataclasses import replace

from entrypoint.comfyui import arguments, preflight
from entrypoint.comfyui.installation import Source
from entrypoint.comfyui.last_words import last_words
from entrypoint.comfyui.versions.compare import Trial
from entrypoint.comfyui.versions.folders import new_trial_folder
from entrypoint.conditions.condition import CannotDo
from entrypoint.nodes.blame import arguments_without
from entrypoint.nodes.folders import entries
from entrypoint.nodes.import_log import import_report
from entrypoint.nodes.inventory import node_folders
from entrypoint.nodes.left_out import RUNNER, read_left_out
from entrypoint.packages.distributions import is_stand_in
from entrypoint.packages.environment import variables
from entrypoint.packages.overlay import IMAGE_PTH, Overlay, pip_environ, prepare
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system import cgroup
from entrypoint.system.files import last_lines, read_text
from entrypoint.system.loopback_http import get
from entrypoint.system.ports import free_port
from entrypoint.system.thread_limits import thread_variables

#: Seconds in which it has to respond: beside a working ComfyUI, with 30 nodes, from a slow volume.
LONGEST_S = 300.0
_PROBE_S, _EVERY_S, _INFO_S, _END_S = 5.0, 0.5, 60.0, 10.0
_TAIL = 1 << 20


def run_trial(settings: Settings, paths: Paths, source: Source, longest_s: float = LONGEST_S) -> Trial:
    """Start it, wait until it responds, and end it. Raises OSError: the local disk refuses."""
    folder = new_trial_folder(paths)
    try:
        return _run(settings, paths, source, folder, longest_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(settings: Settings, paths: Paths, source: Source, folder: str, longest_s: float) -> Trial:
    overlay = _packages(settings, paths, source, folder)
    source = replace(source, python=overlay.python)
    port = free_port()
    try:
        facts = preflight.collect(paths, source)
    except CannotDo as error:
        return Trial(error.condition.reason)
    words, _ = arguments.build(replace(settings, comfyui_internal_port=port), paths, replace(facts, database=""))
    left = sorted(read_left_out(paths))
    handover = [f"{os.path.dirname(facts.handover)}/nodes"] if facts.handover else []
    nodes = entries([*node_folders(paths), f"{source.folder}/custom_nodes", *handover, *facts.extra_nodes])
    words += arguments_without(left, tuple(nodes), settings.comfyui_args)
    words += ["--user-directory", f"{folder}/user", "--temp-directory", folder]
    if "--database-url" in (read_text(f"{source.folder}/comfy/cli_args.py") or ""):
        words += ["--database-url", f"sqlite:///{folder}/comfyui.db"]
    os.mkdir(f"{folder}/user")
    # It ends with this process, however that ends: nothing else would stop it.
    command = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        source.python,
        "-X",
        "faulthandler",
        RUNNER,
        f"{folder}/node",
        f"{source.folder}/main.py",
        *words,
    ]
    environ = pip_environ() | thread_variables(cgroup.limits(), os.environ) | variables(overlay)
    environ["PYTHONUNBUFFERED"] = "1"
    environ.setdefault("USER", "podkeeper")  # as the pod's services have it; `docker exec --user` does not
    environ["PATH"] = f"{os.path.dirname(source.python)}:{environ['PATH']}"
    with open(f"{folder}/log", "xb") as log:
        process = subprocess.Popen(
            command, env=environ, cwd=source.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        return _watch(process, port, folder, longest_s)
    finally:
        _end(process)


def _watch(process: subprocess.Popen[bytes], port: int, folder: str, longest_s: float) -> Trial:
    deadline = time.monotonic() + longest_s
    while get(port, "/system_stats", _PROBE_S).status != 200:
        if process.poll() is not None:
            return Trial(_why(process.returncode, folder))
        if time.monotonic() > deadline:
            return Trial(f"it does not respond within {longest_s:.0f} s{_loading(folder)}")
        time.sleep(_EVERY_S)
    try:  # 8 MB of 2,000 types, in 4 s
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/object_info", timeout=_INFO_S) as response:
            types = len(json.load(response))
    except (OSError, ValueError, TypeError) as error:
        return Trial(f"it responds, but not with its types of nodes (/object_info: {type(error).__name__})")
    return Trial("", types, import_report(last_lines(f"{folder}/log", _TAIL)))


def _why(code: int, folder: str) -> str:
    words = last_words(last_lines(f"{folder}/log", _TAIL))
    end = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
    return f"{words or end}{_loading(folder)}"


def _loading(folder: str) -> str:
    node = (read_text(f"{folder}/node") or "").strip(" \0\n")
    return f" (while it loads the custom node {node})" if node else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _packages(settings: Settings, paths: Paths, source: Source, folder: str) -> Overlay:
    """An overlay above the version's environment with what is installed for the nodes now, by hard links."""
    environment = os.path.dirname(os.path.dirname(source.python))
    overlay = Overlay(f"{folder}/env", environment, settings.packages_held)
    prepare(overlay, overlay.folder)
    now = Overlay.found(f"{paths.packages}/env")
    if now:
        _link_packages(now.site, overlay.site)
    return overlay


def _link_packages(site: str, target: str) -> None:
    with os.scandir(site) as found:
        for each in found:
            if each.name == IMAGE_PTH or (each.name.endswith(".dist-info") and is_stand_in(site, each.name)):
                continue
            _remove_stand_in(target, each.name)
            if each.is_dir(follow_symlinks=False):
                shutil.copytree(
                    each.path, f"{target}/{each.name}", symlinks=True, copy_function=_link, dirs_exist_ok=True
                )
            else:
                _link(each.path, f"{target}/{each.name}")


def _remove_stand_in(target: str, info: str) -> None:
    """Remove the stand-in of a package that is installed for the nodes in another version."""
    if info.endswith(".dist-info"):
        begin = info.partition("-")[0].lower()
        for name in os.listdir(target):
            if name.endswith(".dist-info") and name.partition("-")[0].lower() == begin and is_stand_in(target, name):
                shutil.rmtree(f"{target}/{name}")


def _link(source: str, target: str) -> str:
    os.link(source, target, follow_symlinks=False)
    return target
