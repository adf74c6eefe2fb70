"""P: what the hub's API says of a repository or a collection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from entrypoint.models.sources.base import REPO_NAME, Listed, NotAnAddress, member, sha256_in

#: The name of an index of parts.
INDEX = r"(.+)\.(safetensors|bin)\.index\.json"
_MOST_IN_A_MESSAGE = 20


def files_in(facts: Any, repo: str, revision: str = "main") -> Iterator[Listed]:
    """The files of a repository (`siblings`); without sizes and hashes where the question did not ask for `blobs`."""
    siblings = member(facts, "siblings")
    for each in siblings if isinstance(siblings, list) else ():
        path, size = member(each, "rfilename"), member(each, "size")
        if not isinstance(path, str):
            continue
        keys = {"source": "huggingface", "repo_id": repo, "path": path}
        if revision != "main":
            keys["revision"] = revision
        digest = sha256_in(member(each, "lfs", "sha256"))
        yield Listed(path, keys, size if isinstance(size, int) and size > 0 else 0, digest)


def parts_of_index(files: list[Listed], index: str) -> list[Listed]:
    """The index, and the parts beside it."""
    folder, slash, name = index.rpartition("/")
    found = re.fullmatch(INDEX, name)
    stem, ending = (re.escape(each) for each in found.groups()) if found else ("", "")
    part = re.compile(rf"{re.escape(folder + slash)}{stem}-\d{{5}}-of-\d{{5}}\.{ending}")
    parts = [each for each in files if each.path == index or part.fullmatch(each.path)]
    if len(parts) < 2:
        raise NotAnAddress("its repository has no parts beside this index: copy the address of a model file")
    for each in parts:
        each.path = each.path.removeprefix(folder + slash)
    return parts


def models_of_collection(facts: Any) -> str:
    """What to paste in place of a collection."""
    items = member(facts, "items")
    found = [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []
    models = [str(each.get("id")) for each in found if each.get("type") == "model"]
    models = [each for each in models if re.fullmatch(rf"{REPO_NAME}/{REPO_NAME}", each)]
    if not models:
        return "it is a collection without models: copy the address of a model's page"
    more = f" and {len(models) - _MOST_IN_A_MESSAGE} more" if len(models) > _MOST_IN_A_MESSAGE else ""
    return (
        f"it is a collection of {len(models)} models: paste one of them: {', '.join(models[:_MOST_IN_A_MESSAGE])}{more}"
    )
