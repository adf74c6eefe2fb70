"""Which lines of a pod's log are loud, and which of those are expected."""

from __future__ import annotations

import re

LOUD = re.compile(r"\b(WARN(ING)?|ERRO(R)?|CRIT(ICAL)?|Traceback)\b|\| \[[WEC] ")

#: Lines of a stop that say so more loudly than they mean it. These have nothing to clean up, so SIGTERM just
#: ends them; a service that ended like that would be worth a look.
AT_A_STOP = (
    "WARN stopped: comfyui (exit status 0)",  # clean, but not 78
    "WARN stopped: gateway (exit status 0)",  # likewise
    "WARN stopped: announce (terminated by SIGTERM)",
    "WARN stopped: prober (terminated by SIGTERM)",
    "WARN stopped: volumes (terminated by SIGTERM)",
    "WARN stopped: nodes (terminated by SIGTERM)",
    "WARN stopped: gpu (terminated by SIGTERM)",
    "WARN stopped: meter (terminated by SIGTERM)",
    "WARN stopped: runpod (terminated by SIGTERM)",
    "WARN stopped: models (terminated by SIGTERM)",
    "WARN stopped: models (exit status 75)",
    "ServerApp] received signal 15, stopping",
    "WARN received SIGTERM indicating exit request",
)

#: Lines of ordinary work in JupyterLab, and what ComfyUI 0.29 says of the torch that CUDA 12.8 needs.
AT_WORK = (
    "LabApp] Could not determine jupyterlab build status without nodejs",
    "[IPKernelApp] WARNING | Kernel is running over TCP without encryption",
    "ServerApp] The websocket_ping_timeout (90000) cannot be longer than the websocket_ping_interval (30000)",
    "ServerApp] delete /",
    "WARNING: You need pytorch with cu130 or higher",
)


def unexpected(log: str, *expected: str) -> list[str]:
    """The loud lines that contain none of the `expected` words."""
    loud = [line for line in log.splitlines() if LOUD.search(line)]
    return [line for line in loud if not any(words in line for words in expected)]
