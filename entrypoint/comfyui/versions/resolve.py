"""A: finds the commit of a version's name in ComfyUI's repository."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from entrypoint.comfyui.versions.chosen import IMAGES, Version
from entrypoint.nodes.outcome import Refused
from entrypoint.nodes.source import references

_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def resolve(repository: str, name: str) -> Version | None:
    """The version called `name`: a tag (with or without its v), a branch, a whole commit, `latest`, or `image` (None).

    Raises:
        Refused: There is none of that name, or the repository cannot be asked.
    """
    if name == IMAGES:
        return None
    if _COMMIT.fullmatch(name):
        return Version(name, repository, name)
    known = references(repository)
    found = reference_of(name, known)
    if not found:
        near = difflib.get_close_matches(name, known, 3, 0.5) or releases(known)[:3]
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise Refused(f"{repository} has no tag or branch {name}{hint} (a commit needs all its 40 digits)")
    return Version(found, repository, known[found])


def reference_of(name: str, known: Mapping[str, str]) -> str:
    """The tag or branch that is meant; "" for none."""
    if name == "latest":
        return next(iter(releases(known)), "")
    return next((each for each in (name, f"v{name}") if each in known), "")


def releases(known: Mapping[str, str]) -> list[str]:
    """The tags of releases, the newest first."""
    found = {name: tuple(map(int, match.groups())) for name in known if (match := _RELEASE.fullmatch(name))}
    return sorted(found, key=lambda name: found[name], reverse=True)
