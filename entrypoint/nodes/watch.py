"""A: reads ComfyUI's report of the nodes that it could not import, once it responds."""

from __future__ import annotations

from entrypoint.conditions.condition import Condition
from entrypoint.nodes.import_log import failed_nodes, summary
from entrypoint.settings.paths import Paths
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import last_lines

NAME = "NodesNotLoaded"
#: Bytes at the end of the log in which the report is looked for: a start with 30 nodes and their tracebacks.
_TAIL = 1 << 20


def report_failed_nodes(paths: Paths) -> None:
    """Raise or clear the condition, from the last start in ComfyUI's log."""
    failed = failed_now(paths)
    if not failed:
        clear_condition(paths.runtime, NAME)
        return
    names = " ".join(sorted(failed))
    reason = f"ComfyUI could not import custom nodes: {summary(failed)}"
    remedy = f"install what they need: podkeeper nodes repair {names}; or remove them"
    raise_condition(paths.runtime, Condition(NAME, reason, remedy))
    print(f"nodes: {NAME}: {reason}", flush=True)


def failed_now(paths: Paths) -> dict[str, str]:
    """Node -> why ComfyUI could not import it, at its last start."""
    return failed_nodes(last_lines(f"{paths.log}/comfyui.log", _TAIL))
