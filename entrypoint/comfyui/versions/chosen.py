"""A: which version of ComfyUI the user has chosen, in a file on the volume."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, write_json

IMAGES = "image"
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


class Version(NamedTuple):
    """A version that is not the image's.

    Attributes:
        name: The tag, branch or commit as the user gives it.
        repository: Address of the git repository.
        commit: Its commit, whole.
    """

    name: str
    repository: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the file says.

    Attributes:
        version: The version that ComfyUI's next start uses; None: the image's.
        before: The one before it, to which a version that does not start is reverted; None: the image's.
        proven: Whether ComfyUI has responded with it.
        at: When it was chosen, in seconds since 1970.
        reverted: The version that was given up last, and why; "": none since the last choice.
    """

    version: Version | None = None
    before: Version | None = None
    proven: bool = True
    at: float = 0.0
    reverted: str = ""


def read_chosen(paths: Paths) -> Chosen:
    """The choice; the image's version where there is no file, or none that can be used."""
    found = read_table(_file(paths))
    at = found.get("at")
    return Chosen(
        version=_version(found.get("version")),
        before=_version(found.get("before")),
        proven=found.get("proven") is True or _version(found.get("version")) is None,
        at=at if isinstance(at, int | float) else 0.0,
        reverted=str(found.get("reverted") or ""),
    )


def write_chosen(paths: Paths, chosen: Chosen) -> None:
    """Write the choice. Raises OSError: the volume refuses."""
    os.makedirs(os.path.dirname(_file(paths)), exist_ok=True)
    versions = {
        name: each and each._asdict() for name, each in (("version", chosen.version), ("before", chosen.before))
    }
    write_json(_file(paths), asdict(chosen) | versions, durable=True)


def note_proven(paths: Paths) -> None:
    """ComfyUI has responded with the chosen version. Raises OSError: the volume refuses."""
    chosen = read_chosen(paths)
    if not chosen.proven:
        write_chosen(paths, replace(chosen, proven=True))


def name_of(version: Version | None) -> str:
    """What people call it."""
    if version is None:
        return "the image's version"
    return version.name if version.name != version.commit else version.commit[:12]


def _version(found: Any) -> Version | None:
    values = [found.get(key) if isinstance(found, dict) else None for key in Version._fields]
    name, repository, commit = (each if isinstance(each, str) else "" for each in values)
    return Version(name or commit, repository, commit) if _COMMIT.fullmatch(commit) else None


def _file(paths: Paths) -> str:
    return f"{paths.models_state}/comfyui-version.json"
