"""P: finds the custom node with which ComfyUI ends before it responds, where nothing names it.

A node may start a thread, or register what runs after all nodes are loaded: then no node is being loaded when ComfyUI
ends. ComfyUI first starts without any of them: if it ends as well, the nodes are not at fault. Else each start leaves
out half of those that are still under suspicion: 6 starts for 30 nodes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Search:
    """A search.

    Attributes:
        suspects: The nodes under suspicion: one of them is at fault, once ComfyUI has responded without all of them.
        out: Those without which ComfyUI starts now.
    """

    suspects: tuple[str, ...]
    out: tuple[str, ...]

    @property
    def found(self) -> str:
        """The node at fault, or ""."""
        return self.suspects[0] if len(self.suspects) == 1 and self.out == () else ""


def begin(nodes: tuple[str, ...]) -> Search:
    """Without any node first."""
    return Search(nodes, nodes)


def after_response(search: Search) -> Search:
    """ComfyUI has responded: the node at fault is among those that were left out."""
    return _halved(search.out)


def after_end(search: Search) -> Search | None:
    """ComfyUI has ended: the node at fault is among those that were loaded; None: it is no node's fault."""
    return None if search.out == search.suspects else _halved(tuple(set(search.suspects) - set(search.out)))


def _halved(suspects: tuple[str, ...]) -> Search:
    suspects = tuple(sorted(suspects))
    return Search(suspects, suspects[: len(suspects) // 2])
