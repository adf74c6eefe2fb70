"""P: ComfyUI's history -> finished workflows.

The form is that of `PromptQueue.task_done` (ComfyUI 0.29, execution.py): id -> `outputs` by node, each a list of files
with `filename`, `subfolder` and `type`; `status` with `status_str` and `messages`, whose times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ENDS = ("execution_success", "execution_error", "execution_interrupted")
_LONGEST = 500
#: Names in a webhook, at most.
_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A workflow that has ended.

    Attributes:
        identity: ComfyUI's prompt id.
        ended: When, in seconds since 1970; 0: ComfyUI did not say.
        seconds: How long it ran.
        outputs: Names of its files below the output folder; previews and temporary files are none.
        outcome: finished, failed or interrupted.
        error: The node and what it raised; "": it has not failed.
    """

    identity: str
    ended: float
    seconds: float
    outputs: tuple[str, ...]
    outcome: str
    error: str


def finished(history: Any) -> list[Finished]:
    """The workflows of `/history`, oldest first; what is of another form is passed over."""
    found = []
    for identity, entry in history.items() if isinstance(history, dict) else ():
        try:
            found.append(_finished(str(identity), entry))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            continue
    return found


def _finished(identity: str, entry: Mapping[str, Any]) -> Finished:
    status = entry.get("status") or {}
    messages = {str(name): about for name, about in status.get("messages") or () if isinstance(about, dict)}
    end = next((name for name in _ENDS if name in messages), "")
    began, ended = (float(messages.get(name, {}).get("timestamp") or 0) / 1000 for name in ("execution_start", end))
    outcome = {"execution_error": "failed", "execution_interrupted": "interrupted"}.get(end, "finished")
    if status.get("status_str") == "error" and outcome == "finished":
        outcome = "failed"
    about = messages.get("execution_error", {})
    words = (about.get("node_type"), about.get("exception_type"), about.get("exception_message"))
    error = ": ".join(" ".join(str(word).split()) for word in words if word)[:_LONGEST]
    return Finished(
        identity=identity, ended=ended, seconds=round(max(0.0, ended - began), 3) if began else 0.0,
        outputs=tuple(dict.fromkeys(_outputs(entry.get("outputs") or {})))[:_MOST], outcome=outcome, error=error,
    )  # fmt: skip


def _outputs(outputs: Mapping[str, Any]) -> Iterator[str]:
    for node in outputs.values():
        for files in node.values():
            for file in files if isinstance(files, list) else ():
                if isinstance(file, dict) and file.get("type") == "output" and file.get("filename"):
                    folder = str(file.get("subfolder") or "").strip("/")
                    yield f"{folder}/{file['filename']}" if folder else str(file["filename"])
