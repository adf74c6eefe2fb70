"""The real ComfyUI on the CPU, where COMFYUI_DIR (its code) and COMFYUI_PYTHON (a Python with its packages) are set."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.waiting import wait_until


@contextlib.contextmanager
def comfyui(data: Path, *arguments: str, **environ: str) -> Iterator[int]:
    """Up, on the CPU; its port."""
    port = free_port()
    command = [
        os.environ["COMFYUI_PYTHON"], f"{os.environ['COMFYUI_DIR']}/main.py", "--cpu", "--listen", "127.0.0.1",
        "--port", str(port), "--base-directory", str(data), "--disable-auto-launch",
        "--database-url", "sqlite:///:memory:", *arguments,
    ]  # fmt: skip
    log = data.parent / "comfyui.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=file,
            start_new_session=True,
            cwd=data.parent,  # some packages write a log there
            env=os.environ | {"HOME": str(data.parent)} | environ,
        )

    def up() -> bool:
        assert process.poll() is None, log.read_text()
        return bool(get_json(port, "/system_stats"))

    try:
        wait_until(up, 180, f"ComfyUI answers; see {log}", 0.3)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def get_json(port: int, path: str) -> Any:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
            return json.load(response)
    except (OSError, ValueError):
        return None
