"""P: makes the snapshot's field `nodes` of `nodes.json` and `node-work.json`, whose content may be anything."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from entrypoint.status import node_schema

#: Most characters of a text.
_LONGEST = 500
#: The states of entrypoint/nodes/inventory.py, in the order in which views show them.
STATES = ("failed", "left out", "loaded", "new", "off")


def custom_nodes(inventory: Any, record: Any, comfyui_started: float | None) -> node_schema.Nodes:
    """The field `nodes`.

    Args:
        inventory: Content of `nodes.json` (entrypoint/nodes/inventory.py).
        record: Content of `node-work.json` (node_work.py).
        comfyui_started: Start time of ComfyUI's process; None while it does not run.
    """
    content, work = _mapping(inventory), _mapping(record)
    changed = _time(work.get("changed"))
    rows = content.get("nodes")
    return node_schema.Nodes(
        nodes=tuple(node for row in (rows if isinstance(rows, list) else ()) if (node := _node(row))),
        manager=_text(content.get("manager")),
        work=_work(work.get("work")),
        last=_last(work.get("last")),
        restart=changed is not None and comfyui_started is not None and comfyui_started < changed,
    )


def names(inventory: Any) -> set[str]:
    """The names of the nodes in `nodes.json`."""
    return {node.name for node in custom_nodes(inventory, None, None).nodes}


def _node(row: Any) -> node_schema.Node | None:
    fields = _mapping(row)
    name, state, origin = fields.get("name"), fields.get("state"), _mapping(fields.get("origin"))
    if not isinstance(name, str) or not name or state not in STATES:
        return None
    return node_schema.Node(
        name=name.encode("utf-8", "replace").decode(),  # a file name need not be UTF-8
        state=state,
        reason=_text(fields.get("reason")),
        repository=_link(origin.get("repository")),
        commit=_text(origin.get("commit")),
        version=_text(origin.get("version")),
        newest=_text(fields.get("newest")),
    )


def _link(address: Any) -> str:
    """The address if it is http or https without a login, else "": a node's own git configuration can name any."""
    try:
        parts = urlsplit(address) if isinstance(address, str) and address.isprintable() else None
        known = parts and parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        return ""
    return address if known else ""


def _work(value: Any) -> node_schema.NodeWork | None:
    text, since = _text(_mapping(value).get("text")), _time(_mapping(value).get("since"))
    return node_schema.NodeWork(text=text, since=since) if text and since is not None else None


def _last(value: Any) -> node_schema.NodeOutcome | None:
    text, at = _text(_mapping(value).get("text")), _time(_mapping(value).get("at"))
    problem = _mapping(value).get("problem") is not False
    return node_schema.NodeOutcome(text=text, problem=problem, at=at) if text and at is not None else None


def _text(value: Any) -> str:
    return " ".join(value.split())[:_LONGEST] if isinstance(value, str) else ""


def _time(value: Any) -> float | None:
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12
    return float(value) if is_time else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
