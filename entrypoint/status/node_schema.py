"""P: the part of the snapshot that is about ComfyUI's custom nodes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One of ComfyUI's custom nodes (entrypoint/nodes/inventory.py).

    Attributes:
        name: Name of its file or folder in `custom_nodes`, which `podkeeper nodes repair` takes.
        state: loaded, failed (its import failed), left out (it ended ComfyUI), new (ComfyUI has not started with it
            yet) or off.
        reason: Why it failed or is left out; "" in other states.
        repository: http or https address of its git repository; "": unknown.
        commit: The commit that is checked out; "": unknown.
        version: The version in its metadata; "": unknown.
        newest: The newer commit or version that the last check for updates found; "": none.
    """

    name: str
    state: str
    reason: str
    repository: str
    commit: str
    version: str
    newest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWork:
    """Work on custom nodes that runs now. `text`: "repairing NAME"; `since`: start time."""

    text: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOutcome:
    """The outcome of the last work on custom nodes.

    Attributes:
        text: The work, and the last line of its output.
        problem: Whether it failed.
        at: End time.
    """

    text: str
    problem: bool
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """ComfyUI's custom nodes, and the work on them that the status page's buttons start.

    Attributes:
        nodes: The nodes, in the order of `podkeeper nodes list`.
        manager: ComfyUI-Manager's version; "": it is off or missing.
        work: The work that runs now; null: none.
        last: The last outcome; null: none yet.
        restart: Whether ComfyUI runs since before the last change, and so needs a restart to use it.
    """

    nodes: tuple[Node, ...]
    manager: str
    work: NodeWork | None
    last: NodeOutcome | None
    restart: bool
