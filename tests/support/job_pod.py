"""A pod whose ComfyUI is the stand-in that runs jobs (job_comfyui), and workflows for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.checkout import JOB_COMFYUI
from tests.support.pod import fake_python


def comfyui(folder: Path) -> dict[str, str]:
    """The settings for it."""
    return {"COMFYUI_DIR": str(JOB_COMFYUI), "COMFYUI_PYTHON": str(fake_python(folder))}


def workflow(*between: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """EmptyImage -> the nodes between -> SaveImage."""
    found: dict[str, Any] = {"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "color": 0}}}
    for number, (kind, inputs) in enumerate(between, 2):
        found[str(number)] = {"class_type": kind, "inputs": {"image": [str(number - 1), 0], **inputs}}
    found["9"] = {"class_type": "SaveImage", "inputs": {"images": [str(len(found)), 0], "filename_prefix": "x"}}
    return found
