"""Workflows and models for a pod without services, whose ComfyUI is a folder with one class."""

from __future__ import annotations

import json
import random
import struct
import sys
from typing import Any

from entrypoint.settings.settings import Settings
from tests.support.models.pod import Pod
from tests.support.workflows.shapes import graph, node


def safetensors(size: int = 16) -> bytes:
    """One tensor (github.com/huggingface/safetensors, README "Format")."""
    head = json.dumps({"x": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(head)) + head + random.Random(size).randbytes(size)


def workflow(*entries: dict[str, Any]) -> dict[str, Any]:
    """A workflow that names the files of these `properties.models`; classes of no ComfyUI are not in it."""
    nodes = [node(number, "VAELoader", each["name"], models=[each]) for number, each in enumerate(entries)]
    return graph(*(each | {"properties": {"models": each["properties"]["models"]}} for each in nodes))


def without_services(pod: Pod) -> Settings:
    """Settings with a ComfyUI whose code has the one class that the workflows have, and that does not run."""
    code = pod.root / "comfyui-code"
    (code / ".venv/bin").mkdir(parents=True, exist_ok=True)
    (code / "main.py").touch()
    (code / "nodes.py").write_text('NODE_CLASS_MAPPINGS = {\n    "VAELoader": VAELoader,\n}\n')
    if not (code / ".venv/bin/python").exists():
        (code / ".venv/bin/python").symlink_to(sys.executable)
    return Settings(
        home=str(pod.root), hf_endpoint=pod.settings.hf_endpoint, comfyui_dir=str(code), comfyui_enabled=False,
        jupyter_enabled=False, status_enabled=False,
    )  # fmt: skip
