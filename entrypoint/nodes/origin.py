"""A: where a custom node's folder came from, read from its files without running git: a clone's repository and commit,
or the id and version in ComfyUI's registry."""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from entrypoint.system.files import read_text

#: What ComfyUI-Manager writes into a folder that it unpacked from the registry.
_TRACKING = ".tracking"
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


class Origin(NamedTuple):
    """Where a node came from; "" is "not known".

    Attributes:
        repository: Address of the git repository, without a login.
        commit: The commit that is checked out.
        registry: The id in ComfyUI's registry, of a node that was unpacked from there.
        version: The version that its pyproject.toml names.
    """

    repository: str = ""
    commit: str = ""
    registry: str = ""
    version: str = ""


def origin_of(path: str) -> Origin:
    """The origin of the node in `path`; an empty one for a file, or a folder made by hand."""
    project = _project(path)
    identifier, version = str(project.get("name", "")), str(project.get("version", ""))
    if os.path.exists(f"{path}/.git"):
        return Origin(_repository(path), head_of(path), "", version)
    unpacked = os.path.exists(f"{path}/{_TRACKING}")
    return Origin("", "", identifier if unpacked else "", version)


def head_of(path: str) -> str:
    """The checked-out commit of a clone, or ""."""
    folder = _git_folder(path)
    head = _line(f"{folder}/HEAD")
    if not head.startswith("ref: "):
        return head if _COMMIT.fullmatch(head) else ""
    name = head.removeprefix("ref: ")
    return _line(f"{folder}/{name}") or _packed(folder, name)


def branch_of(path: str) -> str:
    """The branch that is checked out (`refs/heads/...`); `HEAD`, the server's default one, for a pinned commit."""
    head = _line(f"{_git_folder(path)}/HEAD")
    return head.removeprefix("ref: ") if head.startswith("ref: refs/heads/") else "HEAD"


def without_login(address: str) -> str:
    """The address without user name and password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.scheme else address


def _git_folder(path: str) -> str:
    """The `.git` of a clone; a submodule's or worktree's is a file that names it."""
    pointer = _line(f"{path}/.git") if os.path.isfile(f"{path}/.git") else ""
    named = pointer.removeprefix("gitdir: ")
    return os.path.join(path, named) if pointer.startswith("gitdir: ") else f"{path}/.git"


def _packed(folder: str, name: str) -> str:
    """A branch that `git gc` has moved into packed-refs."""
    for line in (read_text(f"{folder}/packed-refs") or "").splitlines():
        commit, _, reference = line.partition(" ")
        if reference == name:
            return commit
    return ""


def _repository(path: str) -> str:
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        parser.read_string(read_text(f"{_git_folder(path)}/config") or "")
    except configparser.Error:
        return ""
    return without_login((parser.get('remote "origin"', "url", fallback="") or "").strip())


def _project(path: str) -> dict[str, object]:
    try:
        found = tomllib.loads(read_text(f"{path}/pyproject.toml") or "").get("project")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _line(path: str) -> str:
    lines = (read_text(path) or "").splitlines()
    return lines[0].strip() if lines else ""
