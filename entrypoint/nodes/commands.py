"""A: what `podkeeper nodes COMMAND` does: list, install, repair, try, remove."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from urllib.parse import urlsplit

from entrypoint.nodes.folders import entries
from entrypoint.nodes.inventory import folder_of, inventory
from entrypoint.nodes.left_out import read_left_out, write_left_out
from entrypoint.packages.environment import variables
from entrypoint.packages.overlay import Overlay, pip_environ
from entrypoint.settings.paths import Paths
from entrypoint.system.quiet_command import one_line, run_quietly

DONE, FAILED = 0, 1
#: Seconds: a clone of a large pack, and pip building a CUDA extension.
_CLONE_S, _INSTALL_S = 900, 1800
_COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")
_RESTART = "then: podkeeper restart comfyui"


class Refused(Exception):
    """A command cannot be done; the message says why, in one line."""


def list_nodes(paths: Paths) -> int:
    """Print each node: its version or commit, and whether ComfyUI loads it."""
    found = inventory(paths)
    for node in found:
        version = node.origin.version or node.origin.commit[:10] or "-"
        state = f"{node.state}: {node.reason}" if node.reason else node.state
        newest = f" (newest: {node.newest[:10]})" if node.newest else ""
        print(f"{node.name:40} {version:12} {state}{newest}")
    if not found:
        print(f"there are no custom nodes in {folder_of(paths)}")
    return DONE


def try_again(paths: Paths, names: list[str]) -> int:
    """Let ComfyUI load nodes again that are left out."""
    left = read_left_out(paths)
    unknown = [name for name in names if name not in left]
    write_left_out(paths, {name: each for name, each in left.items() if name not in names})
    for name in unknown:
        print(f"podkeeper: {name} is not left out", file=sys.stderr)
    if len(unknown) < len(names):
        print(f"{', '.join(name for name in names if name in left)}: tried at the next start; {_RESTART}")
    return FAILED if unknown else DONE


def repair(paths: Paths, names: list[str]) -> int:
    """Install what nodes ask for in their requirements.txt."""
    problems = 0
    for name in names:
        try:
            print(install_requirements(paths, _path(paths, name)))
        except Refused as error:
            print(f"podkeeper: {error}", file=sys.stderr)
            problems += 1
    return FAILED if problems else DONE


def install(paths: Paths, address: str) -> int:
    """Clone a node (`URL` or `URL@COMMIT`) and install what it asks for; a failure leaves nothing behind."""
    try:
        url, commit, name = parse_address(address)
        target = _free(paths, name)
        os.makedirs(folder_of(paths), exist_ok=True)
        # ComfyUI skips names with this ending: a start meanwhile must not load half a node.
        part = f"{target}.{os.urandom(4).hex()}.disabled"
        try:
            _clone(url, commit, part)
            said = install_requirements(paths, part)
            os.rename(part, target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except Refused as error:
        print(f"podkeeper: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"podkeeper: cannot install {address}: {error.strerror}", file=sys.stderr)
        return FAILED
    print(f"{name} is installed; {said}")
    return DONE


def remove(paths: Paths, name: str) -> int:
    """Switch a node off: ComfyUI skips the name it gets. Nothing is deleted."""
    try:
        path = _path(paths, name)
    except Refused as error:
        print(f"podkeeper: {error}", file=sys.stderr)
        return FAILED
    aside = f"{path}.disabled"
    while os.path.lexists(aside):
        aside = f"{path}.{os.urandom(3).hex()}.disabled"
    os.rename(path, aside)
    print(f"{name} is off and kept as {os.path.basename(aside)}; delete that folder to free its space; {_RESTART}")
    return DONE


def _path(paths: Paths, name: str) -> str:
    path = entries([folder_of(paths)]).get(name)
    if path is None:
        raise Refused(f"there is no custom node {name}; see: podkeeper nodes list")
    return path


def _free(paths: Paths, name: str) -> str:
    target = f"{folder_of(paths)}/{name}"
    if os.path.lexists(target):
        raise Refused(f"{target} is there already; remove it first: podkeeper nodes remove {name}")
    return target


def parse_address(address: str) -> tuple[str, str, str]:
    """(address of the repository, commit or "", name of the folder) of `URL`, `URL@COMMIT` or `OWNER/NAME`."""
    url, at, commit = address.rpartition("@")
    if not at or not _COMMIT.fullmatch(commit):
        url, commit = address, ""
    if re.fullmatch(r"[\w.-]{1,100}/[\w.-]{1,100}", url):
        url = f"https://github.com/{url}"
    parts = urlsplit(url)
    if (parts.scheme not in ("https", "http") and not url.startswith("/")) or parts.username or parts.password:
        raise Refused("give the address of a git repository, as https://github.com/OWNER/NAME, without a login in it")
    name = parts.path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    if not re.fullmatch(r"[\w][\w. -]{0,100}", name):
        raise Refused("the address does not end with the name of a repository")
    return url, commit, name


def install_requirements(paths: Paths, path: str) -> str:
    """Install a node's requirements.txt into ComfyUI's environment; returns what to say. Raises Refused."""
    wanted = f"{path}/requirements.txt"
    if not os.path.isfile(wanted):
        return f"it asks for no packages; {_RESTART}"
    overlay = Overlay.found(f"{paths.packages}/env")
    if overlay is None:
        raise Refused("ComfyUI's packages are not ready: start ComfyUI first (podkeeper start comfyui)")
    command = [overlay.python, "-m", "pip", "install", "--quiet", "--no-input", "-r", wanted]
    problem = _run(command, variables(overlay), _INSTALL_S)
    if problem:
        raise Refused(f"cannot install what {os.path.basename(path).partition('.')[0]} asks for: {problem}")
    return f"its packages are installed; {_RESTART}"


def _clone(url: str, commit: str, target: str) -> None:
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "60"}
    shallow = [] if commit else ["--depth", "1"]
    command = ["git", "clone", "--quiet", "--recurse-submodules", *shallow, "--", url, target]
    problem = _run(command, quiet, _CLONE_S)
    if not problem and commit:
        problem = _run(["git", "-C", target, "checkout", "--quiet", commit], quiet, _CLONE_S)
    if problem:
        raise Refused(f"cannot clone {url}: {problem}")


def _run(command: list[str], more: dict[str, str], longest: float) -> str:
    """Run a command; returns "" or why it failed, in one line."""
    try:
        ended = run_quietly(command, longest, pip_environ() | more)
    except subprocess.TimeoutExpired:
        return f"hung: it takes longer than {longest / 60:.0f} min"
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    if ended.code == 0:
        return ""
    errors = [line for line in ended.errors if line.lower().startswith(("error:", "fatal:"))]
    return one_line(errors[-1]) if errors else ended.last_error
