"""P: an entry of ComfyUI's history -> a job's files, or its failure in ComfyUI's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from entrypoint.jobs.check import leads_out
from entrypoint.jobs.failure import Failure, JobFailed

_OUT_OF_MEMORY = ("OutOfMemoryError", "out of memory", "Allocation on device")
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that a node has written: `folder` is `output` or `temp`, `place` the path below that."""

    node: str
    kind: str
    folder: str
    place: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.place.rpartition("/")[2]


def files_of(entry: Mapping[str, Any], wanted: tuple[str, ...] = ()) -> list[OutputFile]:
    """The files of a history entry, in the order of its nodes. `wanted`: ids of nodes; (): all.

    Raises:
        JobFailed: A node failed, the prompt was interrupted, or there is no file.
    """
    if failure := _failure(entry):
        raise JobFailed(failure)
    outputs = entry.get("outputs")
    found = [
        file
        for node, each in (outputs if isinstance(outputs, dict) else {}).items()
        if isinstance(each, dict) and (not wanted or str(node) in wanted)
        for file in _files(str(node), each)
    ]
    return list(dict.fromkeys(found))


def kept_files(files: list[OutputFile]) -> list[OutputFile]:
    """Without previews: what a node has written into the output folder."""
    return [each for each in files if each.folder == "output"]


def _files(node: str, output: Mapping[str, Any]) -> Iterator[OutputFile]:
    """Each key (`images`, `gifs`, `audio`, `video`, `3d`, ...) may have files, whatever node made it."""
    for kind, items in output.items():
        for each in items if isinstance(items, list) else ():
            if not isinstance(each, dict):
                continue
            name, folder, kept = each.get("filename"), each.get("subfolder") or "", each.get("type", "output")
            if isinstance(name, str) and name and isinstance(folder, str) and kept in ("output", "temp"):
                place = f"{folder.rstrip('/')}/{name}" if folder else name
                if not leads_out(place):
                    yield OutputFile(node, str(kind), kept, place)


def _failure(entry: Mapping[str, Any]) -> Failure | None:
    status = entry.get("status")
    messages = status.get("messages") if isinstance(status, dict) else None
    for each in messages if isinstance(messages, list) else ():
        if isinstance(each, list) and len(each) == 2 and isinstance(each[1], dict):
            if each[0] == "execution_error":
                return node_failure(each[1])
            if each[0] == "execution_interrupted":
                return Failure("Cancelled", "it was interrupted", "")
    if isinstance(status, dict) and status.get("status_str") == "error":
        return Failure("NodeFailed", "ComfyUI reports an error and does not say which", "read ComfyUI's log")
    return None


def node_failure(data: Mapping[str, Any]) -> Failure:
    """The failure in an `execution_error` message."""
    kind, text = str(data.get("exception_type") or ""), " ".join(str(data.get("exception_message") or "").split())
    where = f"node {data.get('node_id')} ({data.get('node_type')})"
    reason = f"{where}: {text or kind}"[:_LONGEST]
    if any(each in kind or each in text for each in _OUT_OF_MEMORY):
        return Failure("OutOfMemory", reason, "a smaller size, fewer frames, or a GPU with more memory")
    return Failure("NodeFailed", reason, "correct the workflow or its input files")
