"""A: the workflows of WORKFLOWS: into ComfyUI's library, with a copy of each as it was delivered.

`<models_state>/workflows.json` on the volume has, by path or address, the name in the library, the SHA-256 of what was
delivered, and when its address was asked; `<models_state>/workflows/<sha256>.json` has the copies. An address is asked
once a day, so that a new container on the same volume has nothing to ask.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from typing import Any, NamedTuple

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings, without_query
from entrypoint.system.files import read_bytes, read_table, write_atomically, write_json
from entrypoint.workflows.deliver import BESIDE, KEEP, beside, decide, library_name
from entrypoint.workflows.document import LARGEST, parse
from entrypoint.workflows.open_workflow import CannotRead, read_workflow

_ASK_EVERY_S = 24 * 3600.0


class Delivered(NamedTuple):
    """A workflow in the library: its name there, the path of the copy, and what the user should know, or ""."""

    name: str
    copy: str
    note: str = ""


async def deliver(settings: Settings, paths: Paths, where: str) -> Delivered:
    """Put a workflow into the library where that is due.

    Raises NotAWorkflow: it is none; CannotRead: its source does not respond, and no copy is kept; OSError: the volume.
    """
    key, records = without_query(where), _records(paths)
    known = records.get(key)
    known = known if isinstance(known, dict) else {}
    kept = _copy(paths, known.get("sha256"))
    if kept and _is_fresh(where, known.get("asked")):
        return Delivered(str(known.get("name")), kept)
    try:
        content = await read_workflow(settings, where)
    except CannotRead as error:
        if not kept:
            raise
        return Delivered(str(known.get("name")), kept, f"{key} cannot be read ({error}); the copy is used")
    parse(content)  # what is no workflow does not get into the library
    digest = hashlib.sha256(content).hexdigest()
    name = _name(paths, known, where)
    action = decide(_text(known.get("sha256")), _digest(f"{library(paths)}/{name}"), digest)
    note = ""
    if action != KEEP:
        os.makedirs(library(paths), exist_ok=True)
        note = f"{name} is in ComfyUI's library"
        if action == BESIDE:
            newer = beside(name, set(os.listdir(library(paths))))
            name, note = newer, f"{name} is your own; the one of {key} is beside it as {newer}"
        write_atomically(f"{library(paths)}/{name}", content)
    os.makedirs(f"{paths.models_state}/workflows", mode=0o700, exist_ok=True)
    copy = f"{paths.models_state}/workflows/{digest}.json"
    write_atomically(copy, content, 0o600)
    records[key] = {"name": name, "sha256": digest, "asked": time.time()}
    write_json(_record_file(paths), records, 0o600, durable=True)
    _remove_old_copies(paths, {each.get("sha256") for each in records.values() if isinstance(each, dict)})
    return Delivered(name, copy, note)


def library(paths: Paths) -> str:
    """ComfyUI's folder of workflows."""
    return f"{paths.data}/user/default/workflows"


def _name(paths: Paths, known: dict[str, Any], where: str) -> str:
    name = _text(known.get("name"))
    return name if name and "/" not in name and name.endswith(".json") else library_name(where)


def _is_fresh(where: str, asked: Any) -> bool:
    """Whether the source need not be asked: a path always is."""
    return "://" in where and isinstance(asked, int | float) and 0 <= time.time() - asked < _ASK_EVERY_S


def _copy(paths: Paths, digest: Any) -> str:
    """The kept copy, where it is whole; else ""."""
    path = f"{paths.models_state}/workflows/{_text(digest)}.json"
    return path if _text(digest) and "/" not in _text(digest) and _digest(path) == digest else ""


def _remove_old_copies(paths: Paths, kept: set[Any]) -> None:
    folder = f"{paths.models_state}/workflows"
    for name in os.listdir(folder):
        if name.removesuffix(".json") not in kept:
            with contextlib.suppress(OSError):
                os.unlink(f"{folder}/{name}")


def _digest(path: str) -> str | None:
    """SHA-256 of a file; "" of what cannot be read, a link among it; None: there is none."""
    try:
        return hashlib.sha256(read_bytes(path, LARGEST, links=False)).hexdigest()
    except FileNotFoundError:
        return None
    except OSError:
        return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _records(paths: Paths) -> dict[str, Any]:
    return read_table(_record_file(paths))


def _record_file(paths: Paths) -> str:
    return f"{paths.models_state}/workflows.json"
