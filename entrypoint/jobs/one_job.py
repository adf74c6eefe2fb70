"""P: a container whose command is `podkeeper run ...`: a pod for one job, that ends with it.

It has ComfyUI, the prober and the log forwarder; no JupyterLab, no door, no status page, no downloads but the job's
own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from entrypoint.settings.settings import Settings

#: What runs in such a pod, and the program that it ends with.
PROGRAMS, LAST = "comfyui,command,logs,outputs,prober,webhooks", "command"


def is_one_job(command: Sequence[str]) -> bool:
    """Whether a start command is `podkeeper run ...`."""
    return len(command) > 2 and command[0].rpartition("/")[2] == "podkeeper" and command[1] == "run"


def settings_for_one_job(settings: Settings) -> Settings:
    """The settings of a pod for one job."""
    return replace(
        settings, jupyter_enabled=False, status_enabled=False, ssh_enabled=False, comfyui_enabled=True, models="none",
        comfyui_manager="off",
    ).without_door()  # fmt: skip
