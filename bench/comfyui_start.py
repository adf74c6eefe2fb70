"""Starts ComfyUI without a GPU, and measures how long it takes until it responds."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from bench.ports import free_port, responds

HERE = Path(__file__).parent
START_LIMIT_S = 300


class Start(NamedTuple):
    """One start of ComfyUI.

    Attributes:
        seconds: From the process's start to the first 200 on /system_stats.
        cpu_s: Processor time of that: it hardly depends on what else the machine does.
        said: What the custom node printed.
    """

    seconds: float
    cpu_s: float
    said: str


def comfyui_start(comfyui: Path, data: Path, python: str | Path) -> Start:
    """Start ComfyUI, wait until it responds, and kill it."""
    port = free_port()
    node = data / "custom_nodes/packages_of_21_packs"
    node.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / "node_packages/node.py", node / "__init__.py")
    command = [
        *(str(python), "main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(port), "--disable-auto-launch"),
        *("--base-directory", str(data), "--database-url", f"sqlite:///{data}/comfyui.db"),
    ]
    with (data / "output.txt").open("wb") as out:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=comfyui, stdout=out, stderr=out, start_new_session=True)
    try:
        while not responds(port, "/system_stats"):
            if process.poll() is not None or time.monotonic() - began > START_LIMIT_S:
                raise SystemExit(f"ComfyUI did not start; see {data}/output.txt")
            time.sleep(0.05)
        seconds = time.monotonic() - began
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        used = os.wait4(process.pid, 0)[2]
        process.returncode = -signal.SIGKILL  # reaped
    lines = (data / "output.txt").read_text(errors="replace").splitlines()
    said = "\n".join(line for line in lines if line.startswith("packages node"))
    return Start(seconds, used.ru_utime + used.ru_stime, said)


def compiled(*folders: str | Path) -> set[tuple[str, int]]:
    """The compiled modules, each with its inode: one that Python writes anew has another."""
    return {
        (entry.path, entry.inode())
        for folder in folders
        for path, _, _ in os.walk(folder)
        for entry in os.scandir(path)
        if entry.name.endswith(".pyc")
    }
