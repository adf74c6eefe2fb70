"""A: what the keeper asks of ComfyUI about a prompt that it puts back, and of the pod about ComfyUI's last end."""

from __future__ import annotations

import json
from typing import Any


def stopped_at(restarts: str) -> float:
    """When the operator last restarted ComfyUI (supervision/journal.py: restarts.json); 0: never, or not known."""
    try:
        with open(restarts, encoding="utf-8") as file:
            entries = [each for each in json.load(file)["restarts"] if each["program"] == "comfyui"]
        return float(entries[-1]["time"]) if entries[-1]["kind"] in ("operator", "wanted") else 0.0
    except (OSError, ValueError, LookupError, TypeError):
        return 0.0


def has_served(starts: str) -> bool:
    """Whether ComfyUI's last start has responded (packages/starts.py), or nothing says that it has not."""
    try:
        with open(starts, encoding="utf-8") as file:
            return bool(json.load(file)["starts"][-1]["served"])
    except (OSError, ValueError, LookupError, TypeError):
        return True


def needs_login(graph: Any) -> bool:
    """Whether a workflow has a node that calls comfy.org's API with the client's login (nodes.py: API_NODE)."""
    import nodes  # type: ignore[import-not-found] # ComfyUI's own

    types = {str(each.get("class_type")) for each in graph.values() if isinstance(each, dict)}
    return any(getattr(nodes.NODE_CLASS_MAPPINGS.get(each), "API_NODE", False) for each in types)


async def validated(prompt_id: str, graph: Any, outputs: list[str]) -> tuple[str, list[str]]:
    """ComfyUI's own validation (execution.py: validate_prompt): why it cannot be run, and the outputs that can."""
    import execution  # type: ignore[import-not-found] # ComfyUI's own

    try:
        valid = await execution.validate_prompt(prompt_id, graph, outputs)
        if valid[0]:
            return "", list(valid[2])
        error = valid[1] if isinstance(valid[1], dict) else {"message": valid[1]}
        return " ".join(f"{error.get('message', '')} {error.get('details', '')}".split()) or "it is not valid", []
    except (TypeError, AttributeError, LookupError):  # of another version: it is run as it was accepted
        return "", outputs


def sensitive() -> tuple[dict[str, Any], ...]:
    """The last part of an item, which older versions of ComfyUI do not have."""
    import execution

    return ({},) if hasattr(execution, "SENSITIVE_EXTRA_DATA_KEYS") else ()
