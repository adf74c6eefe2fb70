"""A: ComfyUI's installation, its code and its Python: the image's, the user's, or (local mode) a clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.packages.base_environment import ENVIRONMENT
from entrypoint.packages.distributions import distributions, site_packages
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_text, write_atomically

IMAGE_FOLDER, IMAGE_PYTHON = "/opt/comfyui", "/opt/comfyui-env/bin/python"
#: In the variant `thin`, which has no environment of its own.
THIN_PYTHON = f"{ENVIRONMENT}/bin/python"
#: Seconds without progress after which a clone fails.
STALLED = 60
#: The file beside ComfyUI's code that names the ComfyUI-Manager that fits it.
MANAGER_REQUIREMENTS = "manager_requirements.txt"
#: What local mode installs: ComfyUI's packages, and that ComfyUI-Manager.
_REQUIREMENTS = ("requirements.txt", MANAGER_REQUIREMENTS)


@dataclass(frozen=True, slots=True)
class Source:
    """An installation: the folder with main.py, and the Python interpreter with ComfyUI's packages."""

    folder: str
    python: str


def find(settings: Settings) -> Source:
    """The installation; in local mode it is cloned and installed first where it is missing.

    Raises:
        CannotDo: ComfyUI is missing and cannot be installed.
    """
    if settings.comfyui_dir or not settings.home:
        return _existing(settings, settings.comfyui_dir or IMAGE_FOLDER)
    return _cloned(settings)


def version(source: Source) -> str:
    """What ComfyUI's code says of its version; "" for an old one."""
    return (read_text(f"{source.folder}/comfyui_version.py") or "").strip()[-200:]


def version_number(source: Source) -> str:
    """ComfyUI's version, as `0.29.0`, or ""."""
    return version(source).rpartition("=")[2].strip(" \"'")


def manager_version(source: Source) -> str:
    """The version of the ComfyUI-Manager beside ComfyUI, or ""."""
    try:
        found = distributions(site_packages(os.path.dirname(os.path.dirname(source.python))))
    except OSError:  # no virtual environment
        return ""
    return found["comfyui-manager"].version if "comfyui-manager" in found else ""


def is_ours(settings: Settings, source: Source) -> bool:
    """Whether the environment is the image's, or local mode's own: nodes' packages go into an overlay above it.

    A COMFYUI_PYTHON, or an environment beside the code in COMFYUI_DIR, is the user's, and is left alone.
    """
    ours = (IMAGE_PYTHON, THIN_PYTHON, f"{settings.home}/comfyui-env/bin/python")
    return not settings.comfyui_python and source.python in ours


def present(settings: Settings) -> Source:
    """The installation, where there is one; nothing is cloned or installed.

    Raises:
        CannotDo: ComfyUI is missing.
    """
    if settings.comfyui_dir or not settings.home:
        return find(settings)
    python = settings.comfyui_python or f"{settings.home}/comfyui-env/bin/python"
    return _existing(replace(settings, comfyui_python=python), f"{settings.home}/comfyui-source")


def _existing(settings: Settings, folder: str) -> Source:
    if not os.path.isfile(f"{folder}/main.py"):
        raise _missing(f"there is no main.py in {folder}", "set COMFYUI_DIR to ComfyUI's folder")
    own = (f"{folder}/.venv/bin/python", f"{folder}/venv/bin/python", IMAGE_PYTHON, THIN_PYTHON)
    python = settings.comfyui_python or next((path for path in own if os.access(path, os.X_OK)), "")
    if not python:
        remedy = "set COMFYUI_PYTHON to the Python that runs it"
        raise _missing(f"{folder} has no Python environment of its own", remedy)
    return Source(folder, python)


def _cloned(settings: Settings) -> Source:
    folder, environment = f"{settings.home}/comfyui-source", f"{settings.home}/comfyui-env"
    if not os.path.isfile(f"{folder}/main.py"):
        _clone(settings, folder)
    if not settings.comfyui_python:
        _install(folder, environment)
    return Source(folder, settings.comfyui_python or f"{environment}/bin/python")


def _clone(settings: Settings, folder: str) -> None:
    print(f"comfyui: cloning {settings.comfyui_repo} at {settings.comfyui_ref}", flush=True)
    part = f"{folder}.part"
    shutil.rmtree(part, ignore_errors=True)  # an unfinished clone of an earlier start
    environ = os.environ | {"GIT_TERMINAL_PROMPT": "0", "GIT_HTTP_LOW_SPEED_LIMIT": "1000"}
    environ["GIT_HTTP_LOW_SPEED_TIME"] = str(STALLED)
    command = ["git", "clone", "--quiet", "--depth", "1", "--branch", settings.comfyui_ref]
    _run([*command, "--", settings.comfyui_repo, part], environ, "cannot clone ComfyUI")
    os.rename(part, folder)


def _install(folder: str, environment: str) -> None:
    """Make a virtual environment with ComfyUI's requirements; again when they change."""
    files = [name for name in _REQUIREMENTS if os.path.isfile(f"{folder}/{name}")]
    wanted = "".join(read_text(f"{folder}/{name}") or "" for name in files)
    if read_text(f"{environment}/.installed") == wanted:
        return
    print("comfyui: installing ComfyUI's requirements; the first time this takes minutes", flush=True)
    _run([sys.executable, "-m", "venv", environment], dict(os.environ), "cannot make a virtual environment")
    install = [f"{environment}/bin/python", "-m", "pip", "install", *(f"-r{folder}/{name}" for name in files)]
    _run(install, dict(os.environ), "cannot install ComfyUI's requirements")
    write_atomically(f"{environment}/.installed", wanted)


def _run(command: list[str], environ: dict[str, str], failure: str) -> None:
    """Run a command with its output in the log; the last line of its standard error explains a failure."""
    try:
        process = subprocess.Popen(command, env=environ, stdout=None, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise _missing(f"{failure}: {command[0]}: {error.strerror}", _REMEDY) from error
    last = failure
    with process:
        for line in process.stderr or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    if process.returncode:
        raise _missing(f"{failure}: {last}", _REMEDY)


_REMEDY = "set COMFYUI_DIR (and COMFYUI_PYTHON) to an installed ComfyUI, or COMFYUI_REPO to a repository to clone"


def _missing(reason: str, remedy: str) -> CannotDo:
    remedy = f"{remedy}, then run: podkeeper restart comfyui"
    return CannotDo(Condition("ComfyUIMissing", f"ComfyUI can't run: {reason}", remedy))
