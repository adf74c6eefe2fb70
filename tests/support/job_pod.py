"""A pod whose ComfyUI is the stand-in that runs jobs (job_comfyui), and workflows for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.checkout import JOB_COMFYUI
from tests.support.pod import Pod, fake_python
from tests.support.status_server import BEARER, ask

#: The job API.
JOBS = "/podkeeper/jobs"


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


def send(pod: Pod, request: Any, query: str = "") -> tuple[int, dict[str, Any]]:
    """Hand a job in, or text that is none: the response's status and JSON."""
    answer = ask(pod, JOBS + query, BEARER, "POST", request if isinstance(request, str) else json.dumps(request))
    return answer.status, json.loads(answer.text)
