"""P: nodes.lock: which custom nodes ComfyUI has loaded, exactly, for people to read and `podkeeper nodes restore` to
bring back. It also reads the snapshots of ComfyUI-Manager."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Version of the file; a later one may have more keys.
SCHEMA = 1
_HEAD = """Custom nodes that ComfyUI has loaded; podkeeper writes it after every good start.
They are brought back by: podkeeper nodes restore nodes.lock"""
_NAME = re.compile(r"[^/\0.][^/\0]{0,200}")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")


class BadLock(Exception):
    """A file cannot be used as a lock; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One node: a commit of a repository, a version in ComfyUI's registry, or (neither) files of no known origin.

    Attributes:
        name: The folder's name in `custom_nodes`.
        packages: The packages that its requirements.txt names.
    """

    name: str
    repository: str = ""
    commit: str = ""
    registry: str = ""
    version: str = ""
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodesLock:
    """The file.

    Attributes:
        nodes: By name.
        packages: Package -> version of what is installed over the image's packages.
        comfyui: ComfyUI's version, or "".
    """

    nodes: tuple[Locked, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    comfyui: str = ""


def text_of(lock: NodesLock) -> str:
    """The file's text."""
    import tomlkit  # 20 ms, where it is written

    document = tomlkit.document()
    for line in _HEAD.splitlines():
        document.add(tomlkit.comment(line))
    document.update({"schema": SCHEMA, "comfyui": lock.comfyui, "packages": _pins(lock.packages)})
    nodes = tomlkit.aot()
    for each in lock.nodes:
        table = tomlkit.table()
        for key in ("name", "repository", "commit", "registry", "version"):
            if value := getattr(each, key):
                table.add(key, value)
        if each.packages:
            table.add("packages", list(each.packages))
        nodes.append(table)
    document.add("nodes", nodes)
    return tomlkit.dumps(document)


def _pins(packages: Mapping[str, str]) -> Any:
    import tomlkit

    return tomlkit.array([f"{name}=={version}" for name, version in sorted(packages.items())]).multiline(True)  # type: ignore[arg-type]


def read_lock(text: str) -> NodesLock:
    """The lock in the text of a nodes.lock, or of a snapshot of ComfyUI-Manager (JSON).

    Raises:
        BadLock: It is neither.
    """
    try:
        if text.lstrip().startswith("{"):
            return _snapshot(json.loads(text))
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLock(f"it is neither a nodes.lock nor a snapshot of ComfyUI-Manager: {error}") from None
    nodes = content.get("nodes")
    if not isinstance(nodes, list):
        raise BadLock("it has no [[nodes]]")
    return NodesLock(tuple(_locked(each) for each in nodes), _versions(content.get("packages")))


def _locked(each: object) -> Locked:
    table = each if isinstance(each, dict) else {}
    name, packages = table.get("name"), table.get("packages")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadLock(f"{name!r} is no name of a node")
    values = {key: str(table.get(key, "")) for key in ("repository", "commit", "registry", "version")}
    if values["commit"] and not _COMMIT.fullmatch(values["commit"]):
        raise BadLock(f"{name}: {values['commit']!r} is no commit")
    return Locked(name, **values, packages=tuple(str(each) for each in packages) if isinstance(packages, list) else ())


def _snapshot(content: object) -> NodesLock:
    """ComfyUI-Manager's: `git_custom_nodes` {address: {hash, disabled}}, `cnr_custom_nodes` {id: version}, `pips`."""
    table = content if isinstance(content, dict) else {}
    cloned, unpacked = table.get("git_custom_nodes"), table.get("cnr_custom_nodes")
    if not isinstance(cloned, dict) and not isinstance(unpacked, dict):
        raise BadLock("it is no snapshot of ComfyUI-Manager: it has no git_custom_nodes")
    nodes = []
    for address, each in cloned.items() if isinstance(cloned, dict) else ():
        if isinstance(each, dict) and each.get("disabled") is not True:
            name = str(address).rstrip("/").rpartition("/")[2].removesuffix(".git")
            nodes.append(_locked({"name": name, "repository": address, "commit": each.get("hash") or ""}))
    for name, version in unpacked.items() if isinstance(unpacked, dict) else ():
        nodes.append(_locked({"name": name, "registry": name, "version": version}))
    return NodesLock(tuple(nodes), _versions(table.get("pips")))


def _versions(pins: object) -> dict[str, str]:
    """Package -> version of pins like `name==1.0`; what else there is (`name @ file:...`) is left out."""
    found = {}
    for pin in pins if isinstance(pins, list | dict) else ():
        name, equal, version = str(pin).partition("==")
        if equal and re.fullmatch(r"[\w.-]+", name) and re.fullmatch(r"[\w.+!-]+", version):
            found[name] = version
    return found


def needed_packages(requirements: str) -> tuple[str, ...]:
    """The names in the text of a requirements.txt."""
    names: Iterable[str] = (line.split("#")[0].strip() for line in requirements.splitlines())
    found = (re.match(r"[A-Za-z0-9][\w.-]*", name) for name in names)
    return tuple(dict.fromkeys(each[0].lower() for each in found if each))
