"""An image with real ComfyUI in it, where there is one."""

from __future__ import annotations

import json
import os

from tests.support.container.engine import Container, docker

REAL_IMAGE = os.environ.get("PODKEEPER_REAL_IMAGE", "")
#: Seconds for a start of ComfyUI: torch from a cold disk.
STARTUP = 180.0


def object_info(pod: Container, node: str) -> bool:
    ended = docker("exec", pod.id, "curl", "-sf", f"http://127.0.0.1:18188/object_info/{node}", check=False)
    return ended.returncode == 0 and node in json.loads(ended.stdout)
