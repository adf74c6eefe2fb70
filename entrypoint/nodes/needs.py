"""A: installs what a node needs, as ComfyUI-Manager does: its requirements.txt, and then its install.py."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence

from entrypoint.nodes.folders import name_of
from entrypoint.nodes.lock import needed_packages
from entrypoint.nodes.outcome import Refused
from entrypoint.packages.distributions import distributions, normalised, site_packages
from entrypoint.packages.environment import variables
from entrypoint.packages.overlay import Overlay, pip_environ
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_text
from entrypoint.system.quiet_command import one_line, run_quietly

#: Seconds for pip, which may build a CUDA extension, and for an install.py, which may fetch a model.
_LONGEST_S = 1800
RESTART = "then: podkeeper restart comfyui"
#: What pip says of a command of its own that failed: the lines before and after say why.
_UNTOLD = "subprocess-exited-with-error"
_EDITABLE = re.compile(r"(?m)^[ \t]*(?:-e|--editable)[ \t=]")


def install_needs(paths: Paths, path: str, pins: Mapping[str, str] | None = None) -> str:
    """Install what the node in `path` needs; returns what to say.

    Args:
        paths: The pod's.
        path: The node's folder.
        pins: Package -> version to prefer; other versions are taken where these cannot be had.

    Raises:
        Refused: It cannot be installed; packages that were installed before the failure stay.
    """
    wanted, script = f"{path}/requirements.txt", f"{path}/install.py"
    if not os.path.isfile(wanted) and not os.path.isfile(script):
        return f"it asks for no packages; {RESTART}"
    overlay = _overlay(paths, wanted)
    name = name_of(path)
    if os.path.isfile(wanted):
        print(f"{name}: installing its packages", flush=True)
        problem = _install(overlay, path, wanted, pins or {})
        if problem:
            raise Refused(f"cannot install what {name} asks for: {problem}")
    if os.path.isfile(script):
        print(f"{name}: running its install.py", flush=True)
        if problem := run_in([overlay.python, script], overlay, path):
            raise Refused(f"install.py of {name} failed: {problem}")
    return f"its packages are installed; {RESTART}"


def install_locked(paths: Paths, file: str) -> str:
    """Install the packages of a lock, by hash; returns pip's problem, or "".

    Raises:
        Refused: There is no environment to install into.
    """
    overlay = _overlay(paths, file)
    command = [
        overlay.python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--no-deps",
        "--require-hashes",
        "-r",
        file,
    ]
    return run_in(command, overlay, os.path.dirname(file))


def lacks(paths: Paths, path: str) -> set[str]:
    """The packages that the node's requirements.txt names and that are not installed, by name.

    One opencv package stands in for the others: all have the same folder cv2/.
    """
    overlay = _overlay(paths, path)
    installed = set(distributions(overlay.site))
    needed = {normalised(name) for name in needed_packages(read_text(f"{path}/requirements.txt") or "")}
    return {name for name in needed - installed if not name.startswith("opencv-")}


def _overlay(paths: Paths, wanted: str) -> Overlay:
    overlay = Overlay.found(f"{paths.packages}/env")
    if overlay is None and (own := os.environ.get("COMFYUI_PYTHON")):
        raise Refused(f"ComfyUI runs in an environment of your own; install it there: {own} -m pip install -r {wanted}")
    if overlay is None:
        raise Refused("ComfyUI's packages are not ready: start ComfyUI first (podkeeper start comfyui)")
    return overlay


def _install(overlay: Overlay, path: str, wanted: str, pins: Mapping[str, str]) -> str:
    """pip's problem, or ""."""
    text = _EDITABLE.sub("", read_text(wanted) or "")  # what pip links to would not be kept with the packages
    temporary = f"{path}/.podkeeper-requirements-{os.urandom(4).hex()}.txt"  # beside it: `-r other.txt` is relative
    constraints = f"{temporary}.pins"
    try:
        with open(temporary, "x", encoding="utf-8") as file:
            file.write(text)
        command = [overlay.python, "-m", "pip", "install", "--quiet", "--no-input", "-r", temporary]
        image = distributions(site_packages(overlay.image))
        if pins := {name: version for name, version in pins.items() if normalised(name) not in image}:
            with open(constraints, "x", encoding="utf-8") as file:
                file.writelines(f"{name}=={version}\n" for name, version in pins.items())
            if not run_in([*command, "-c", constraints, "-c", overlay.constraints], overlay, path):
                return ""
        return run_in(command, overlay, path).replace(temporary, "requirements.txt")
    finally:
        for each in (temporary, constraints):
            if os.path.lexists(each):
                os.unlink(each)


def run_in(command: Sequence[str], overlay: Overlay, folder: str) -> str:
    """Run a command in the overlay; returns "" or why it failed, in one line."""
    try:
        ended = run_quietly(command, _LONGEST_S, pip_environ() | variables(overlay), folder)
    except subprocess.TimeoutExpired:
        return f"it takes longer than {_LONGEST_S // 60} min"
    if ended.code == 0:
        return ""
    return _why(ended.errors) or ended.last_error


def _why(lines: Sequence[str]) -> str:
    """The line of pip's errors that says most; "" where there is none."""
    for begin in ("ERROR:", "fatal:", "error:", "\u00d7"):  # git's own words come before pip's about git
        found = [line.strip() for line in lines if line.strip().startswith(begin) and _UNTOLD not in line]
        if found:
            return one_line(found[-1].removeprefix(begin))
    return ""
